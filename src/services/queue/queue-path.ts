import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { diskFull } from '#api/common/faults.ts'
import { decodeAnswer, encodeCommand } from '#core/queue/command-codec.ts'
import type { QueueAnswer, QueueCommand } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { Admission } from '#services/common/admission.ts'
import type { AskedOf, Forwarded } from '#services/common/group-path.ts'
import { GroupPath } from '#services/common/group-path.ts'
import { decodePeerAnswer, encodePeerQuestion } from './peer-messages.ts'
import type { PeerAnswer, PeerQuestion } from './peer-messages.ts'

export type Asked = AskedOf<PeerAnswer>
export type Answered = Result<QueueAnswer, Extract<Forwarded, { ok: false }>['error']>

export interface QueuePathPorts {
  readonly node: () => SlotHost
  readonly clock: Clock
  readonly prng: Prng
  readonly admission: Admission
  /** Whether the disk has room: without it no message is taken. */
  readonly hasRoom: () => boolean
}

/** One group of the queue service, a slot or the catalogue, as it is reached from this node. */
export class QueuePath extends GroupPath<PeerQuestion, PeerAnswer> {
  readonly #hasRoom: () => boolean

  constructor(group: number, ports: QueuePathPorts) {
    super({ ...ports, group, encode: encodePeerQuestion, decode: decodePeerAnswer })
    this.#hasRoom = ports.hasRoom
  }

  /** A command to a slot, carried out at most once. */
  async submit(command: QueueCommand): Promise<Answered> {
    if (command.type === 'produce') {
      const fault = this.#hasRoom() ? this.refusal() : diskFull()
      if (fault !== null) return err(fault)
    }
    const forwarded = await new Promise<Forwarded>((resolve) => this.forward(encodeCommand(command), resolve))
    return forwarded.ok ? ok(answerOf(forwarded.value)) : forwarded
  }
}

export function answerOf(bytes: Uint8Array): QueueAnswer {
  const answer = decodeAnswer(bytes)
  if (!answer.ok) throw new Error(`an answer of the queue machine cannot be read: ${answer.error}`)
  return answer.value
}
