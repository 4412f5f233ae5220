import { assert } from '#base/assert.ts'
import type { AgentState } from './agent-state.ts'
import { dirtyOf, isUsable } from './agent-state.ts'
import type { HomeState } from './home-state.ts'
import type { Line } from './lines.ts'
import { committedVersion } from './lines.ts'
import type { MemoryState } from './memory-state.ts'
import { recordBytes } from './memory-state.ts'
import { TextValue } from './text-value.ts'
import type { SessionId, Value } from './types.ts'
import { compareVersions } from './types.ts'

/** What always holds, within a part and between them; run by tests and the explorer after every step. */
export function checkInvariants({ agents, home, memory }: Whole): void {
  for (const agent of agents) checkAgent(agent)
  checkMemory(memory)
  checkCoherence(agents.flatMap(usableLines), home)
  if (home !== null) for (const agent of agents) checkHearing(agent, home)
}

/** Between all lines that may be used at one moment, and the home of their slot, if there is one that may answer. */
export function checkCoherence(lines: readonly Line[], home: HomeState | null): void {
  checkWriters(lines)
  if (home === null) return
  checkHome(home)
  for (const line of lines) checkKnown(home, line)
  for (const line of lines) checkValue(home, line)
}

/** All of one slot, seen at one moment. Each agent has the time of that moment. */
export interface Whole {
  readonly agents: readonly AgentState[]
  readonly home: HomeState | null
  readonly memory: MemoryState
}

export function usableLines({ lines, now }: AgentState): Line[] {
  return [...lines.byKey.values()].filter((line) => isUsable(line, now))
}

/** One that may write, or any number that read. */
function checkWriters(lines: readonly Line[]): void {
  for (const line of lines) {
    if (line.state === 'S') continue
    assert(
      lines.every((other) => other === line || other.key !== line.key),
      'a single writer, or many readers',
    )
  }
}

export function checkAgent(agent: AgentState): void {
  const { lines, dirty, activities, limits } = agent
  let count = 0
  for (let line = lines.newest; line !== null; line = line.older) {
    assert(lines.byKey.get(line.key) === line, 'what is in order of use is there')
    assert((line.older?.newer ?? line) === line, 'lists lead both ways')
    count++
  }
  assert(count === lines.byKey.size, 'every line is in the order of use')
  for (const line of lines.byKey.values()) {
    assert(dirty.has(line) === line.dirty > 0, 'a dirty line is known as such')
    assert(line.dirty === 0 || (line.state === 'M' && line.reader !== null), 'only a modified line is dirty, and one handle sees it')
    assert(line.slot.standing.type === 'open', 'without a session there are no lines (rule 9)')
  }
  for (const activity of activities.values()) {
    const { request, slot, reads, writes, writeBack, flush } = activity
    assert(request !== null || reads.length + writes.length > 0 || writeBack !== null || flush, 'what is over is forgotten')
    assert(request === null || slot.open.has(request.number), 'an open request is confirmed by nobody')
    assert(request === null || slot.standing.type !== 'apart', 'without a session nothing is asked')
  }
  checkSlots(agent)
  assert(activities.size <= limits.openKeysMax + lines.byKey.size, 'tables are bounded')
}

function checkSlots({ slots, dirty, activities }: AgentState): void {
  for (const slot of slots.values()) {
    const owed = [
      ...[...dirty.keys()].filter((line) => line.slot === slot).map(dirtyOf),
      ...[...activities.values()].filter((activity) => activity.slot === slot).map(({ writeBack }) => writeBack),
    ].filter((item) => item !== null)
    assert(slot.dirtyLines === owed.length, 'what memory does not have is counted')
    assert(slot.dirtyBytes === owed.reduce((sum, { value }) => sum + value.size, 0), 'and its bytes')
    assert(slot.usableUntil <= slot.leaseUntil, 'lines live under a lease (rule 8)')
  }
}

export function checkMemory({ sessions, records, limits, bytes }: MemoryState): void {
  const agents = [...sessions.values()].map(({ agent }) => agent)
  assert(new Set(agents).size === agents.length, 'an agent has one session')
  assert(sessions.size <= limits.sessionsMax, 'tables are bounded')
  const kept = [...records].reduce((sum, [key, { value }]) => sum + recordBytes(key) + value.size, 0)
  assert(bytes === kept, 'bytes are counted')
}

function checkHome(home: HomeState): void {
  const { directory, sessions, queues, fills, counter, phase, memory } = home
  for (const entry of directory.values()) {
    const holders = entry.type === 'shared' ? [...entry.sharers] : [entry.owner]
    assert(holders.length > 0, 'a key that nobody has is in no directory')
    assert(
      holders.every((id) => sessions.has(id)),
      'only who has a session has rights',
    )
    assert(entry.type === 'shared' || entry.grant <= counter, 'a grant was given')
  }
  for (const [key, queue] of queues) {
    assert(queue.length > 0 && queue.every((waiting) => waiting.key === key), 'a queue is of one key, and not empty')
    assert(
      queue.every(({ phase: of }, at) => at === 0 || of === 'queued'),
      'one transaction at a time for each key (rule 1)',
    )
    assert(phase === 'opening' || home.clearing.size > 0 || queue[0]?.phase !== 'queued', 'the first of a queue is under way')
    assert(
      queue.every(({ waiting }) => [...waiting].every((id) => sessions.has(id))),
      'nobody waits for a session that is over',
    )
  }
  for (const key of fills.keys())
    assert(
      memory.find(key) === null || queues.get(key)?.[0]?.phase === 'committing',
      'a token is out only for what is absent (decision C10)',
    )
  for (const id of sessions.keys()) assert(memory.sessions.has(id) || isClosing(home, id), 'a session is in the log first (rule 8)')
}

/** Between the entry that closes it and the news of that. */
const isClosing = ({ proposals, sessions }: HomeState, id: SessionId): boolean =>
  sessions.get(id)?.standing === 'closing' || [...proposals.values()].some(({ type }) => type === 'open')

/** The directory never knows less than there is, as long as a lease lives. */
function checkKnown(home: HomeState, line: Line): void {
  const { slot, key } = line
  if (slot.id !== home.slot) return
  assert(slot.term === home.term || home.phase === 'opening', 'no line outlives the home it is from (rule 10)')
  if (slot.term !== home.term || slot.standing.type !== 'open') return
  const { session } = slot.standing
  const entry = home.directory.get(key)
  assert(entry !== undefined, 'who has a line is in the directory')
  if (entry.type === 'shared') assert(line.state === 'S' && entry.sharers.has(session), 'a sharer is in the directory')
  else {
    assert(entry.owner === session, 'the owner is in the directory')
    assert(line.state === 'S' || entry.grant === line.grant, 'the owner has the grant that the directory says')
  }
}

/** The home tells of changes to whoever is in the directory. */
function checkHearing({ unheld, lines, now }: AgentState, { slot: of, term, directory }: HomeState): void {
  for (const [key, { id, term: known, standing, usableUntil }] of unheld) {
    assert(!lines.byKey.has(key), 'what has a line needs no line')
    if (id !== of || known !== term || standing.type !== 'open' || now >= usableUntil) continue
    const entry = directory.get(key)
    const { session } = standing
    assert(
      entry?.type === 'exclusive' ? entry.owner === session : entry?.sharers.has(session) === true,
      'who hears of a key without a line is in the directory',
    )
  }
}

/** What is read from a line is what memory has; but for what only its writer sees, and a write that nobody was told of yet. */
function checkValue(home: HomeState, line: Line): void {
  if (line.slot.id !== home.slot || line.slot.term !== home.term || line.dirty > 0 || line.value === null) return
  const record = home.memory.find(line.key)
  if (record !== null && compareVersions(record.version, committedVersion(line)) === 0)
    assert(isSame(record.value, line.value), 'a version is one value')
  if (line.state !== 'M') return
  const isWriting = home.queues.get(line.key)?.[0]?.phase === 'committing' || record === null
  assert(isWriting || compareVersions(committedVersion(line), record.version) <= 0, 'memory is not behind what others may see')
}

/** Texts are compared as they are kept: this runs for every line after every step. */
function isSame(left: Value, right: Value): boolean {
  if (left === right) return true
  return left instanceof TextValue && right instanceof TextValue ? left.text === right.text : sameBytes(left.bytes, right.bytes)
}

const sameBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, at) => byte === right[at])
