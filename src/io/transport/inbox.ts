import { type Result, err, ok } from '#base/result.ts'
import type { Lane } from '#ports/transport.ts'
import { decode } from '#wire/codec.ts'
import { type Frame, frameTypes, headerBytes, streams } from '#wire/frame.ts'
import { MessageAssembler } from '#wire/message-assembler.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import { transportLimits } from './limits.ts'

/**
 * Turns the message frames of one connection into messages. Those that arrived in one read leave together, urgent ones first.
 */
export class Inbox {
  readonly #lanes = { urgent: new MessageAssembler(), bulk: new MessageAssembler() }
  readonly #arrived: { readonly [L in Lane]: PeerMessage[] } = { urgent: [], bulk: [] }
  #owed = 0

  /** Takes a frame of type `part` or `message`, or says why no correct node sends it. */
  take(frame: Frame): Result<null, string> {
    const lane = laneOf(frame.stream)
    if (lane === null) return err(`message on stream ${frame.stream}`)
    if (lane === 'bulk') this.#owed += headerBytes + frame.body.length
    const assembler = this.#lanes[lane]
    if (frame.type === frameTypes.part) return assembler.part(frame.body) ? ok(null) : err('message too long')
    const encoded = assembler.end(frame.body)
    if (encoded === null) return err('message too long')
    const message = decode(encoded)
    if (!message.ok) return message
    this.#arrived[lane].push(message.value)
    return ok(null)
  }

  /** What has arrived since the last call, in the order in which it is handed over. */
  drain(): readonly PeerMessage[] {
    const { urgent, bulk } = this.#arrived
    return [...urgent.splice(0), ...bulk.splice(0)]
  }

  /** Credit that is due to the sender: 0 until it is worth a frame. */
  settle(): number {
    if (this.#owed < transportLimits.creditPortionBytes) return 0
    const due = this.#owed
    this.#owed = 0
    return due
  }
}

function laneOf(stream: number): Lane | null {
  switch (stream) {
    case streams.urgent:
      return 'urgent'
    case streams.bulk:
      return 'bulk'
    default:
      return null
  }
}
