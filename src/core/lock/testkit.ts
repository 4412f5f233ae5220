import { assert } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { decodeAnswer, decodeCommand, encodeAnswer, encodeCommand } from './command-codec.ts'
import { checkInvariants, checkProgress, marksOf } from './invariants.ts'
import type { LockLimits } from './limits.ts'
import { lockLimits } from './limits.ts'
import { LockMachine } from './machine.ts'
import type {
  Acquire,
  DeadlockMode,
  Identity,
  Item,
  LockAnswer,
  LockCommand,
  LockContext,
  LockEvent,
  OwnerRef,
  Proof,
  ResourceName,
} from './types.ts'
import { clientId, fencingToken, resourceName, sessionId } from './types.ts'

/** `A` speaks for client A without a session, `A/s1` for its session s1. */
export function ref(name: string): OwnerRef {
  const [client = '', session] = name.split('/')
  return { client: clientId(client), session: session === undefined ? null : sessionId(session) }
}

/** `R` is exclusive, `R:s` shared; several are separated by spaces. */
function itemsFrom(text: string): Item[] {
  return text.split(' ').map((item) => {
    const [name = '', mode] = item.split(':')
    return { resource: resourceName(name), mode: mode === 's' ? 'shared' : 'exclusive' }
  })
}

/** `n1#3` is the third command of session n1, which has seen no answer yet. */
export function identity(text: string, confirmed = 0): Identity {
  const [session = '', sequence] = text.split('#')
  return { session: sessionId(session), sequence: Number(sequence), confirmed }
}

/** An answer in a few words. */
export function brief(answer: LockAnswer): string {
  switch (answer.type) {
    case 'granted':
      return `granted ${answer.grants.map(({ token }) => token).join(' ')}`
    case 'queued':
      return `queued ${answer.position}`
    case 'deadlock':
      return `deadlock ${answer.cycle.map(({ client }) => client).join('>')}`
    case 'released':
      return ['released', ...answer.grantedTo.map(({ client, token }) => `${client}=${token}`)].join(' ')
    case 'ended':
      return `ended ${answer.count}${answer.more ? ' of more' : ''}`
    case 'refused':
      return answer.code
    case 'extended':
      return `extended ${answer.token}`
    case 'skipped':
      return `skipped ${answer.last}`
    case 'timed-out':
    case 'cancelled':
    case 'session':
    case 'configured':
      return answer.type
  }
}

export interface AcquireOptions {
  readonly ttlMs?: number
  readonly lockDelayMs?: number
  readonly waitMs?: number | null
  readonly identity?: Identity | null
}

/** A machine that is spoken to in bytes, and whose invariants are checked after every command. */
export class TestLocks {
  machine: LockMachine
  events: readonly LockEvent[] = []
  time = 0
  term = 1
  index = 0
  /** Everything it was told, to be told to another one. */
  readonly log: { readonly command: LockCommand; readonly context: LockContext }[] = []
  #lastToken = 0

  constructor(limits: Partial<LockLimits> = {}) {
    this.machine = new LockMachine({ ...lockLimits, ...limits })
  }

  do(command: LockCommand): LockAnswer {
    const context: LockContext = {
      index: ++this.index,
      term: this.term,
      time: millis(this.time),
      wall: wallMillis(1_700_000_000_000 + this.time),
    }
    this.log.push({ command, context })
    const before = marksOf(this.machine.state)
    const bytes = encodeCommand(command)
    const read = decodeCommand(bytes)
    assert(read.ok && isSame(read.value, command), 'a command survives its encoding')
    const { answer, events } = this.machine.apply(bytes, context)
    this.events = events
    checkInvariants(this.machine.state)
    checkProgress(before, this.machine.state)
    this.#checkGrants()
    const copy = decodeAnswer(encodeAnswer(answer))
    assert(copy.ok && isSame(copy.value, answer), 'an answer survives its encoding')
    return answer
  }

  try(command: LockCommand): string {
    return brief(this.do(command))
  }

  /** In the background, unless told otherwise. */
  acquire(who: string, what: string, options: AcquireOptions = {}): string {
    return this.try(acquireCommand(who, what, options))
  }

  release(who: string, what: string, proof: Proof | number = { type: 'as-of', index: this.index }): string {
    const owner = ref(who)
    const named: Proof = typeof proof === 'number' ? { type: 'token', token: fencingToken(proof) } : proof
    return this.try({ type: 'release', identity: null, owner, resource: resourceName(what), proof: named })
  }

  downgrade(who: string, what: string): string {
    const proof: Proof = { type: 'as-of', index: this.index }
    return this.try({ type: 'downgrade', identity: null, owner: ref(who), resource: resourceName(what), proof })
  }

  extend(who: string, what: string, ttlMs: number): string {
    return this.try({ type: 'extend', identity: null, owner: ref(who), resource: resourceName(what), ttlMs, token: null })
  }

  cancel(attempt: string, ifGranted: 'keep' | 'release' = 'release'): string {
    const { session, sequence } = identity(attempt)
    return this.try({ type: 'cancel', attempt: { session, sequence }, ifGranted })
  }

  /** `A/s1` opens session s1 of client A. */
  open(who: string, options: { readonly ttlMs?: number; readonly lockDelayMs?: number } = {}): string {
    const { client, session } = ref(who)
    const { ttlMs = 10_000, lockDelayMs = 0 } = options
    return this.try({ type: 'open-session', session: session ?? sessionId(''), client, ttlMs, lockDelayMs })
  }

  openNode(name: string): string {
    return this.try({ type: 'open-node-session', session: sessionId(name), node: `node-${name}`, ttlMs: 5_000 })
  }

  close(session: string): string {
    return this.try({ type: 'close-session', session: sessionId(session) })
  }

  expire(...sessions: string[]): string {
    return this.try({ type: 'expire-sessions', term: this.term, sessions: sessions.map(sessionId) })
  }

  /** Lets time pass and ends what is over by then. */
  pass(ms: number): string {
    this.time += ms
    return this.try({ type: 'expire-due' })
  }

  configure(mode: DeadlockMode): void {
    this.do({ type: 'configure', mode })
  }

  /** Holders and, behind a bar, waiters, in order: `A:s B:s | C`. */
  show(name: string): string {
    const resource = this.machine.state.resources.get(name as ResourceName)
    const words: string[] = []
    for (let hold = resource?.firstHold ?? null; hold !== null; hold = hold.after) words.push(hold.owner.client.id + suffix[hold.mode])
    words.push('|')
    for (let place = resource?.firstPlace ?? null; place !== null; place = place.after) {
      words.push(place.wait.owner.client.id + suffix[place.mode])
    }
    return words.join(' ')
  }

  /** Who was told what in the last entry: `n1#3 granted 7`. */
  get settled(): string[] {
    return this.events.flatMap((event) =>
      event.type === 'settled' ? [`${event.attempt.session}#${event.attempt.sequence} ${brief(event.answer)}`] : [],
    )
  }

  snapshot(): Uint8Array {
    return concat([...this.machine.snapshot()])
  }

  #checkGrants(): void {
    for (const event of this.events) {
      if (event.type !== 'granted') continue
      for (const { token } of event.grants) {
        assert(token > this.#lastToken, 'every grant has a larger token than all before it')
        this.#lastToken = token
      }
    }
  }
}

/** Of plain data, whatever the order of its fields. */
function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right
  const names = Object.keys(left)
  const of = (value: object, name: string): unknown => (value as Readonly<Record<string, unknown>>)[name]
  return names.length === Object.keys(right).length && names.every((name) => isSame(of(left, name), of(right, name)))
}

const suffix = { shared: ':s', exclusive: '' } as const

export function acquireCommand(who: string, what: string, options: AcquireOptions = {}): Acquire {
  const { ttlMs = 60_000, lockDelayMs = 0, waitMs = null, identity: asked = null } = options
  return { type: 'acquire', identity: asked, owner: ref(who), items: itemsFrom(what), ttlMs, lockDelayMs, waitMs }
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
