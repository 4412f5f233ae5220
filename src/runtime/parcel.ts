import type { Millis } from '#base/brand.ts'
import { encodeCommand } from '#wire/command.ts'
import type { ProposalOutcome } from '#wire/peer-message.ts'
import { runtimeLimits } from './limits.ts'
import type { Origin } from './origin.ts'

/** A command that a node has taken. */
export interface Submitted {
  readonly lane: Lane
  readonly body: Uint8Array
  readonly deadline: Millis
  readonly done: (outcome: ProposalOutcome) => void
  /** In which it is on its way; null while it certainly was not carried out. */
  parcel: Parcel | null
}

/** Commands of one group that this node has taken. */
export interface Lane {
  readonly group: number
  origin: Origin | null
  opening: boolean
  /** What was never carried out and is to be sent, and perhaps commands that have ended meanwhile. */
  waiting: Submitted[]
  /** What is to be sent again. */
  doubtful: Parcel[]
  scheduled: boolean
  /** Refused a moment ago. */
  resting: boolean
}

/**
 * Commands that are sent, logged and carried out together under one number, so that what each entry costs is shared by all of them. Once it may have been
 * carried out it is never changed, for only the same commands under the same number are a retry.
 */
export class Parcel {
  readonly commands: readonly Submitted[]
  readonly #origin: Origin
  readonly #sequence: number
  #open: number
  /** An earlier attempt ended without an answer: it may have been carried out, or may yet be. */
  doubtful = false

  constructor(commands: readonly Submitted[], origin: Origin) {
    this.commands = commands
    this.#origin = origin
    this.#sequence = origin.begin()
    this.#open = commands.length
    for (const command of commands) command.parcel = this
  }

  /** Somebody still waits for what is in it. */
  get isAwaited(): boolean {
    return this.#open > 0
  }
  get origin(): Origin {
    return this.#origin
  }

  /** One of its commands has ended. */
  ended(): void {
    if (--this.#open === 0) this.#origin.end(this.#sequence)
  }

  /** It was certainly not carried out, and never will be: its commands are free to go in another. */
  dissolve(): void {
    this.#origin.end(this.#sequence)
    for (const command of this.commands) command.parcel = null
  }

  encode(): Uint8Array {
    const { id, confirmed } = this.#origin
    const bodies = this.commands.map(({ body }) => body)
    return encodeCommand({ type: 'identified', origin: id, sequence: this.#sequence, confirmed, bodies })
  }
}

/** Packs commands in order; one that is too large for others goes alone. */
export function pack(commands: readonly Submitted[], origin: Origin): readonly Parcel[] {
  const parcels: Parcel[] = []
  let from = 0
  let bytes = 0
  for (const [at, { body }] of commands.entries()) {
    const count = at - from
    if (count > 0 && (count >= runtimeLimits.parcelCommandsMax || bytes + body.length > runtimeLimits.parcelBytesMax)) {
      parcels.push(new Parcel(commands.slice(from, at), origin))
      from = at
      bytes = 0
    }
    bytes += body.length
  }
  if (from < commands.length) parcels.push(new Parcel(commands.slice(from), origin))
  return parcels
}
