import { decodeCommand } from './command-codec.ts'
import type { Message } from './types.ts'

/**
 * The messages of a log entry by their offsets, given all commands of the entry in their order. Counts as the machine does: all messages of
 * whatever can be read, whatever became of them.
 */
export function messagesOf(commands: readonly Uint8Array[]): readonly Message[] {
  return commands.flatMap((bytes) => {
    const command = decodeCommand(bytes)
    return command.ok && command.value.type === 'produce' ? command.value.messages : []
  })
}
