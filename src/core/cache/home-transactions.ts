import { assert } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import type { MemoryAnswer } from './commands.ts'
import type { Entry, HomeState, Transaction } from './home-state.ts'
import { proposeCommand, removeHolder, reply, setEntry } from './home-state.ts'
import { hold, isHeldBack } from './home-clear.ts'
import { endFill, giveToken, redeem } from './home-fills.ts'
import { snoop } from './home-snoops.ts'
import { evicted, valueChanged } from './home-upkeep.ts'
import type { Copy, Key, Operation, SessionId } from './types.ts'
import { grant } from './types.ts'

/**
 * Rule 1: the home is the bus. A transaction first takes away the rights that are in its way, then has memory commit what there is to commit, and
 * only then answers; what else concerns the key waits in the order in which it came.
 */

export const transaction = (fields: Pick<Transaction, 'key' | 'body' | 'asker'>): Transaction => ({
  ...fields,
  phase: 'queued',
  snoop: grant(0),
  downgradeTo: null,
  waiting: new Set(),
  snoopedAt: millis(0),
  sentAt: millis(0),
  dirty: null,
  written: null,
  atHome: false,
  invalidated: 0,
})

/** A chore is not turned away: nobody would come again for it, and of a key there are few. */
export function enqueue(state: HomeState, added: Transaction): void {
  const queued = state.queues.get(added.key)?.length ?? 0
  if (added.asker !== null && queued >= state.limits.queuedPerKeyMax) turnAway(state, added)
  else join(state, added)
}

/** Nothing of it is carried out; but what a former home has carried out already is answered as that. */
export function turnAway(state: HomeState, asked: Transaction): void {
  if (isCarriedOut(state, asked)) join(state, asked)
  else reply(state, asked, { type: 'overloaded' })
}

function isCarriedOut({ memory }: HomeState, { asker }: Transaction): boolean {
  return asker !== null && memory.sessions.get(asker.session)?.outcomes.has(asker.number) === true
}

function join(state: HomeState, added: Transaction): void {
  const queue = state.queues.get(added.key)
  if (queue !== undefined) {
    queue.push(added)
    return
  }
  state.queues.set(added.key, [added])
  begin(state, added)
}

/**
 * The first of its queue, once the home is open. Whoever follows one that ends at once begins in the same loop and not in a deeper call: thousands may wait for a
 * key.
 */
export function begin(state: HomeState, first: Transaction): void {
  const { beginning } = state
  beginning.push(first)
  if (beginning.length > 1) return
  for (const next of beginning) start(state, next)
  beginning.length = 0
}

function start(state: HomeState, first: Transaction): void {
  if (state.phase !== 'open' || isHeldBack(state, first)) return
  const { key, asker, body } = first
  if (asker !== null && !state.sessions.has(asker.session)) {
    finish(state, first)
    return
  }
  const isRequest = body.type === 'read' || body.type === 'write' || body.type === 'fill'
  if (isRequest && isOver(state, key)) {
    const expiry = transaction({ key, body: { type: 'expire' }, asker: null })
    state.queues.get(key)?.unshift(expiry)
    begin(state, expiry)
    return
  }
  if (body.type === 'write' && asker !== null) first.atHome = bounces(state, key, asker.session, body.operations)
  const targets = targetsOf(state, first)
  if (targets.length === 0) proceed(state, first)
  else snoop(state, first, targets)
}

/** Rule 14: a value whose life is over is ended for everybody before anybody is told that it is absent. */
export function isOver(state: HomeState, key: Key): boolean {
  const expiresAt = state.memory.find(key)?.expiresAt ?? null
  return expiresAt !== null && expiresAt <= state.now
}

/** Whose rights are in the way. */
function targetsOf(state: HomeState, current: Transaction): SessionId[] {
  const { key, body, atHome } = current
  if (body.type === 'flush') return []
  // What the home keeps nobody may have, not even who asks for the change.
  const asker = atHome ? null : current.asker
  if (state.start.snoops === 'broadcast') return [...state.sessions.keys()].filter((id) => id !== asker?.session)
  const entry = state.directory.get(key)
  if (entry === undefined) return []
  if (entry.type === 'exclusive') return entry.owner === asker?.session ? [] : [entry.owner]
  return body.type === 'read' || body.type === 'fill' ? [] : [...entry.sharers].filter((id) => id !== asker?.session)
}

/** Nobody is in the way any more. */
export function proceed(state: HomeState, current: Transaction): void {
  const { key, body, dirty } = current
  const purpose = { type: 'transaction', transaction: current } as const
  current.phase = 'committing'
  if (body.type === 'hold') {
    hold(state, current)
    return
  }
  if (body.type === 'write') {
    commitWrite(state, current, body)
  } else if (body.type === 'flush') {
    const entry = state.directory.get(key)
    if (isCurrent(entry, current, body.dirty.grant) && body.dirty.sequence > entry.taken)
      proposeCommand(state, { type: 'flush', key, dirty: body.dirty }, purpose)
    else complete(state, current)
  } else if (dirty !== null) {
    // What was written meanwhile has no end, so there is nothing left to expire; and it was touched last of all, so it stays.
    proposeCommand(state, { type: 'flush', key, dirty }, purpose)
  } else if (body.type === 'evict') {
    proposeCommand(state, { type: 'evict', key, grant: state.next() }, purpose)
  } else if (body.type === 'expire' && isOver(state, key)) {
    proposeCommand(state, { type: 'expire', key, version: state.memory.versionOf(key), grant: state.next() }, purpose)
  } else complete(state, current)
}

/** Rule 5: only who holds the line, by the grant that is current. Another grant's value was told with the answer to the snoop that took it. */
const isCurrent = (entry: Entry | undefined, { asker }: Transaction, number: number): entry is Extract<Entry, { type: 'exclusive' }> =>
  entry?.type === 'exclusive' && entry.owner === asker?.session && entry.grant === number

type WriteBody = Extract<Transaction['body'], { type: 'write' }>

function commitWrite(state: HomeState, current: Transaction, { held, dirty, operations }: WriteBody): void {
  const { key, asker } = current
  const session = asker === null ? undefined : state.sessions.get(asker.session)
  if (asker === null || session === undefined) {
    // Nobody waits for it any more, but what the snoop took from the owner must not be lost.
    if (current.dirty === null) finish(state, current)
    else proposeCommand(state, { type: 'flush', key, dirty: current.dirty }, { type: 'transaction', transaction: current })
    return
  }
  const entry = state.directory.get(key)
  const holds = held !== null && isCurrent(entry, current, held.grant) && follows(entry.taken, held, dirty)
  const written = holds ? held : { grant: state.next(), sequence: 0 }
  current.written = written
  if (holds) current.dirty = dirty
  const isWritten = current.dirty !== null
  proposeCommand(
    state,
    {
      type: 'write',
      key,
      session: session.id,
      request: asker.number,
      oldest: session.oldest,
      grant: written.grant,
      sequence: written.sequence,
      dirty: current.dirty,
      // A token is taken by whatever comes before it, also in the same message, or by what an owner had.
      operations: operations.map((operation, at) => (at === 0 && !isWritten ? redeem(state, key, session.id, operation) : operation)),
    },
    { type: 'transaction', transaction: current },
  )
}

/** Rule 5: the numbers go on from what memory has taken, whatever an agent says; or a version would go back. */
function follows(taken: number, held: NonNullable<WriteBody['held']>, dirty: WriteBody['dirty']): boolean {
  if (dirty === null) return held.sequence > taken
  return dirty.grant === held.grant && dirty.sequence > taken && held.sequence > dirty.sequence
}

/** Memory has what there was to commit. */
export function complete(state: HomeState, current: Transaction, answer: MemoryAnswer | null = null): void {
  const { body } = current
  valueChanged(state, current.key)
  if (current.dirty !== null) endFill(state, current.key)
  if (body.type === 'fill' && state.memory.find(current.key) === null) giveToken(state, current)
  else if (body.type === 'read' || body.type === 'fill') grantRead(state, current)
  else if (body.type === 'write') completeWrite(state, current, answer)
  else if (body.type === 'evict') evicted(state, body.size)
  else if (body.type === 'flush') {
    const { grant: number, sequence } = body.dirty
    const entry = state.directory.get(current.key)
    if (isCurrent(entry, current, number)) {
      entry.taken = Math.max(entry.taken, sequence)
      endFill(state, current.key)
    }
    reply(state, current, { type: 'flushed', grant: number, sequence })
  }
  finish(state, current)
}

/** E for the first one, S beside others. Its own exclusive right, if there is one, was lost on the way or dropped. */
function grantRead(state: HomeState, current: Transaction): void {
  const { key, asker } = current
  if (asker === null || !state.sessions.has(asker.session)) return
  const entry = state.directory.get(key)
  const number = state.next()
  const copy = copyOf(state, key)
  if (entry?.type === 'shared') {
    entry.sharers.add(asker.session)
    setEntry(state, key, entry)
    reply(state, current, { type: 'granted', rights: 'shared', grant: number, copy })
    return
  }
  assert(entry === undefined || entry.owner === asker.session, 'nobody else has an exclusive right')
  setEntry(state, key, { type: 'exclusive', owner: asker.session, grant: number, taken: 0 })
  reply(state, current, { type: 'granted', rights: 'exclusive', grant: number, copy })
}

function completeWrite(state: HomeState, current: Transaction, answer: MemoryAnswer | null): void {
  const { key, asker, written, body } = current
  if (written === null || asker === null || body.type !== 'write') return
  if (!state.sessions.has(asker.session) || answer?.type !== 'written') {
    if (answer?.type === 'refused') removeHolder(state, key, asker.session)
    return
  }
  const { grant: number } = written
  const sequence = written.sequence + Math.max(0, body.operations.length - 1)
  const { outcomes } = answer
  const { invalidated } = current
  if (outcomes.some(({ type }) => type === 'done')) endFill(state, key)
  if (current.atHome) {
    reply(state, current, { type: 'written', outcomes, invalidated, line: null })
    return
  }
  setEntry(state, key, { type: 'exclusive', owner: asker.session, grant: number, taken: sequence })
  const found = copyOf(state, key)
  // Memory knows of what is absent only the newest version of any key, which may be above what this line will write next.
  const copy = found.value === null ? { ...found, version: { term: state.term, grant: number, sequence } } : found
  reply(state, current, { type: 'written', outcomes, invalidated, line: { grant: number, sequence, copy } })
}

const copyOf = ({ memory, now }: HomeState, key: Key): Copy => memory.copyOf(key, now)

export function finish(state: HomeState, current: Transaction): void {
  const queue = state.queues.get(current.key)
  assert(queue !== undefined && queue[0] === current, 'the first of a queue ends first')
  queue.shift()
  const [next] = queue
  if (next === undefined) state.queues.delete(current.key)
  else begin(state, next)
}

/** Additions and conditional changes of a key that several agents write in turns are carried out here, without moving the line. */
function bounces({ bouncing, limits }: HomeState, key: Key, by: SessionId, operations: readonly Operation[]): boolean {
  if (!operations.every(({ change }) => change.type === 'add' || change.condition.type !== 'none')) return false
  const known = bouncing.get(key)
  const times = known === undefined || known.writer === by ? 0 : known.times + 1
  bouncing.delete(key)
  bouncing.set(key, { writer: by, times })
  for (const oldest of bouncing.keys()) {
    if (bouncing.size <= limits.bouncingKeysMax) break
    bouncing.delete(oldest)
  }
  return times >= limits.bouncesMax
}
