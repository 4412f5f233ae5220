import { unreachable } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { isMet, newNumber } from './changes.ts'
import type { MemoryAnswer, MemoryCommand, MemoryContext, WriteCommand } from './commands.ts'
import type { CacheLimits } from './limits.ts'
import { assertLimits, cacheLimits } from './limits.ts'
import type { Push } from './messages.ts'
import { decodeCommand } from './memory-codec.ts'
import { readSnapshot, writeSnapshot } from './memory-snapshot.ts'
import type { MemorySession } from './memory-state.ts'
import { MemoryState, newSession, recordBytes } from './memory-state.ts'
import type { Change, HomeTerm, Key, Operation, Outcome, SessionId, Version } from './types.ts'
import { agentSession, compareVersions } from './types.ts'

/**
 * A slot's values, with the list of agents that may have copies. Every replica applies the same commands in the same order and comes to the
 * same state and answers.
 *
 * The home orders what happens to a key and knows who may write it; memory only refuses what comes from a former home, from a session that is
 * closed, or a second time.
 */
export class Memory {
  state: MemoryState

  constructor(limits: CacheLimits = cacheLimits) {
    assertLimits(limits)
    this.state = new MemoryState(limits)
  }

  /** Takes any bytes: what is no command is refused and changes nothing. */
  apply(bytes: Uint8Array, context: MemoryContext): MemoryAnswer {
    const command = decodeCommand(bytes)
    return command.ok ? this.execute(command.value, context) : { type: 'refused', code: 'malformed' }
  }

  snapshot(): Iterable<Uint8Array> {
    return writeSnapshot(this.state)
  }

  /** What is wrong with the bytes, or null: then they are the state. */
  restore(bytes: Uint8Array): string | null {
    const restored = readSnapshot(bytes, this.state.limits)
    if (!restored.ok) return restored.error
    this.state = restored.value
    return null
  }

  execute(command: MemoryCommand, context: MemoryContext): MemoryAnswer {
    const { state } = this
    state.time = context.time
    state.isReborn = context.isReborn
    if (command.term !== context.term) return { type: 'refused', code: 'stale_term' }
    switch (command.type) {
      case 'open-session':
        return openSession(state, command)
      case 'close-session':
        state.sessions.delete(command.session)
        return { type: 'done' }
      case 'write':
        return write(state, command, command.term)
      case 'flush': {
        const { grant, sequence, value } = command.dirty
        state.put(command.key, value, { version: { term: command.term, grant, sequence }, expiresAt: null })
        return { type: 'done' }
      }
      case 'push':
        return push(state, command.session, command.push)
      case 'expire':
        if (compareVersions(state.versionOf(command.key), command.version) === 0)
          state.remove(command.key, { term: command.term, grant: command.grant, sequence: 0 })
        return { type: 'done' }
      case 'evict':
        state.remove(command.key, { term: command.term, grant: command.grant, sequence: 0 })
        return { type: 'done' }
      case 'set-capacity':
        state.capacity = command.capacity
        return { type: 'done' }
      case 'clear':
        return clear(state, command.namespace, { term: command.term, grant: command.grant, sequence: 0 })
      default:
        return unreachable(command)
    }
  }
}

function openSession(state: MemoryState, { agent, nonce }: Extract<MemoryCommand, { type: 'open-session' }>): MemoryAnswer {
  const known = [...state.sessions.values()].find((session) => session.agent === agent)
  if (known !== undefined && known.nonce >= nonce) return { type: 'session', session: known.id, closed: null }
  if (known === undefined && state.sessions.size >= state.limits.sessionsMax) return { type: 'refused', code: 'too_many_sessions' }
  const id = agentSession(++state.lastSession)
  if (known !== undefined) state.sessions.delete(known.id)
  state.sessions.set(id, newSession({ id, agent, nonce }))
  return { type: 'session', session: id, closed: known?.id ?? null }
}

function write(state: MemoryState, command: WriteCommand, term: HomeTerm): MemoryAnswer {
  const { key, dirty, grant, sequence } = command
  // What it held before it is the old holder's, and its own session does not matter to that.
  if (dirty !== null) {
    const version = { term, grant: dirty.grant, sequence: dirty.sequence }
    state.put(key, dirty.value, { version, expiresAt: null })
  }
  const session = state.sessions.get(command.session)
  if (session === undefined) return { type: 'refused', code: 'session_closed' }
  confirm(session, command)
  const kept = session.outcomes.get(command.request)
  if (kept !== undefined) return { type: 'written', outcomes: kept }
  const outcomes = command.operations.map((operation, at) => once(state, command, operation, { term, grant, sequence: sequence + at }))
  session.outcomes.set(command.request, outcomes)
  return { type: 'written', outcomes }
}

function confirm(session: MemorySession, { oldest }: WriteCommand): void {
  if (oldest <= session.oldest) return
  session.oldest = oldest
  for (const number of session.outcomes.keys()) if (number < oldest) session.outcomes.delete(number)
}

function once(state: MemoryState, command: WriteCommand, { change, identity }: Operation, version: Version): Outcome {
  if (identity === null) return carryOut(state, command, change, version)
  const kept = state.clients.find(identity, state)
  if (kept !== null) return kept
  const outcome = carryOut(state, command, change, version)
  // There may be room later, and then the same change is welcome.
  if (outcome.type !== 'refused' || outcome.code !== 'memory_full') state.clients.record(identity, outcome)
  return outcome
}

function carryOut(state: MemoryState, { key }: WriteCommand, change: Change, version: Version): Outcome {
  const record = state.find(key)
  if (change.type !== 'add' && !isMet(change.condition, record)) return { type: 'mismatch', version: state.versionOf(key) }
  const done = (number: number | null): Outcome => ({ type: 'done', version, number })
  if (change.type === 'delete') {
    state.remove(key, version)
    return done(null)
  }
  if (change.type === 'add') {
    const result = newNumber(record?.value ?? null, change.by)
    if (!result.ok) return { type: 'refused', code: result.error }
    if (isFull(state, key, result.value.value.size)) return full
    state.put(key, result.value.value, { version, expiresAt: record?.expiresAt ?? null })
    return done(result.value.number)
  }
  if (isFull(state, key, change.value.size)) return full
  const expiresAt = change.ttlMs === null ? null : millis(state.time + change.ttlMs)
  state.put(key, change.value, { version, expiresAt })
  return done(null)
}

const full: Outcome = { type: 'refused', code: 'memory_full' }

/** Under `lru` the home makes room right afterwards, so memory may be over its limit for a moment. */
function isFull({ records, bytes, capacity: { bytesMax, whenFull } }: MemoryState, key: Key, size: number): boolean {
  const more = size - (records.get(key)?.value.size ?? -recordBytes(key))
  return more > 0 && bytes + more > (whenFull === 'refuse' ? 1 : 2) * bytesMax
}

/**
 * A line that was held until now was nobody else's since its grant, so it is newer than whatever memory has, unless memory has that very
 * write. What a snoop had taken may have been committed and then deleted; then it must not come back.
 */
function push(state: MemoryState, id: SessionId, { key, version, value, held, carriedBy }: Push): MemoryAnswer {
  const session = state.sessions.get(id)
  if (session === undefined) return { type: 'refused', code: 'session_closed' }
  if (carriedBy !== null && session.outcomes.has(carriedBy)) return { type: 'done' }
  const cleared = state.records.get(key)?.version ?? null
  const known = state.find(key)?.version ?? (held ? cleared : state.removed)
  if (known === null || compareVersions(version, known) > 0) state.put(key, value, { version, expiresAt: null })
  return { type: 'done' }
}

function clear(state: MemoryState, namespace: string, version: Version): MemoryAnswer {
  state.generations.set(namespace, (state.generations.get(namespace) ?? 0) + 1)
  if (compareVersions(version, state.removed) > 0) state.removed = version
  return { type: 'done' }
}
