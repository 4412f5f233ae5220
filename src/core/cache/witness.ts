import { assert } from '#base/assert.ts'
import type { AgentState, Answer } from './agent-state.ts'
import { versionOf } from './agent-state.ts'
import type { MemoryCommand } from './commands.ts'
import { textOf } from './describe.ts'
import type { Line } from './lines.ts'
import { committedVersion } from './lines.ts'
import type { MemoryState } from './memory-state.ts'
import { namespaceOf } from './memory-state.ts'
import type { Ack, Change, Handle, Key, Value, Version } from './types.ts'
import { compareVersions, noVersion } from './types.ts'

interface Call {
  readonly key: Key
  readonly what: What
  /** What somebody had been told before it was asked. */
  readonly floor: Version
  readonly ended: Version
}

type What =
  | { readonly type: 'read'; readonly agent: string; readonly by: Handle }
  | {
      readonly type: 'write'
      readonly agent: string
      readonly by: Handle
      readonly ack: Ack
      readonly change: Change
      readonly retry: boolean
    }

/**
 * Watches from outside what is told to whom. Versions order the writes of a key, so a history is linearizable when nobody is told a version that
 * is older than one that anybody was told before it asked, when a write is newer than all that, and when a version is always the same value.
 */
export class Witness {
  /** The newest version of each key that anybody was told, or could read at once. */
  readonly told = new Map<Key, Version>()
  /** The newest version at which a key was said to be absent. */
  readonly ended = new Map<Key, Version>()
  readonly values = new Map<string, string>()
  /** Values that were in an entry of the log. */
  readonly committed = new Set<string>()
  /** What was said not to be carried out. */
  readonly refused = new Set<string>()
  /** Who may load what, by the id of the call. */
  readonly loading = new Map<number, { readonly agent: string; readonly key: Key }>()
  readonly calls = new Map<number, Call>()
  /** At the level `owner`, by agent and key. */
  readonly owed = new Map<string, { readonly key: Key; readonly version: Version; readonly value: string; readonly lapses: number }>()
  /** When namespaces were cleared last, perhaps while an owner had a value that memory had not. */
  readonly cleared = new Map<string, Version>()
  readonly memory = new Map<Key, Version>()
  /** By id, the last few; for tests that want to know. */
  readonly answers = new Map<number, Answer>()
  keepsAnswers = true
  reads = 0
  writes = 0
  unknown = 0

  endedOf(key: Key): Version {
    return this.ended.get(key) ?? noVersion
  }

  /** `since` is the newest version at which the key had been said to be absent when somebody asked. */
  tells(key: Key, { value, version }: { readonly value: Value | null; readonly version: Version }, since: Version): void {
    if (value === null) {
      if (compareVersions(version, this.endedOf(key)) > 0) this.ended.set(key, version)
    } else {
      assert(compareVersions(version, since) > 0, 'what was said to be absent does not come back (decision C9)')
      tell(this, key, version)
    }
  }

  called(id: number, key: Key, what: What): void {
    this.calls.set(id, { key, what, floor: this.toldOf(key), ended: this.endedOf(key) })
  }

  toldOf(key: Key): Version {
    return this.told.get(key) ?? noVersion
  }

  answered(answer: Answer, { agent, memory }: { readonly agent: AgentState; readonly memory: MemoryState }): void {
    const call = this.calls.get(answer.id)
    assert(call !== undefined, 'a call is answered once')
    this.calls.delete(answer.id)
    if (answer.type === 'load') this.loading.set(answer.id, { agent: call.what.agent, key: call.key })
    if (this.keepsAnswers) this.answers.set(answer.id, answer)
    const { key, what, floor } = call
    if (answer.type === 'read') {
      this.reads++
      assert(compareVersions(answer.version, floor) >= 0, 'nobody is told less than was known when it asked')
      is(this, key, answer.version, answer.value)
      const isPrivate = agent.lines.byKey.get(key)?.reader === what.by
      assert(
        isPrivate || answer.value === null || compareVersions(answer.version, memory.versionOf(key)) <= 0,
        'nobody is told what is not committed (rule 6)',
      )
      if (!isPrivate) this.tells(key, answer, call.ended)
    } else if (answer.type === 'changed' && what.type === 'write') {
      if (answer.outcome.type === 'unknown') this.unknown++
      if (answer.outcome.type === 'refused' && answer.outcome.code === 'too_many_requests' && what.change.type === 'set')
        this.refused.add(`${key} ${textOf(what.change.value)}`)
      if (answer.outcome.type !== 'done') return
      this.writes++
      const { version } = answer.outcome
      assert(what.retry || compareVersions(version, floor) > 0, 'a write is newer than what was known when it was asked for')
      if (what.change.type === 'set') is(this, key, version, what.change.value)
      if (what.ack === 'replicated' || compareVersions(version, memory.versionOf(key)) <= 0) tell(this, key, version)
    }
  }

  /** What could be read from a line now, without asking anybody. */
  sees(line: Line): void {
    const { key, value, dirty } = line
    const version = committedVersion(line)
    assert(compareVersions(version, this.toldOf(key)) >= 0, 'no line is older than what anybody was told')
    if (dirty === 0) is(this, key, version, value)
    if (dirty === 0) this.tells(key, { value, version }, this.endedOf(key))
  }

  executes(command: MemoryCommand): void {
    if (command.type === 'clear') this.cleared.set(command.namespace, { term: command.term, grant: command.grant, sequence: 0 })
    if (command.type === 'push') this.committed.add(textOf(command.push.value))
    if (command.type !== 'write' && command.type !== 'flush') return
    if (command.dirty !== null) this.committed.add(textOf(command.dirty.value))
    if (command.type === 'flush') return
    for (const { change } of command.operations) if (change.type === 'set') this.committed.add(textOf(change.value))
  }

  /** What an agent thinks that memory has, memory has: nothing at the level `owner` is lost but with a lease (rule 9). */
  owes({ id, lines, activities, slots, counters }: AgentState, memory: MemoryState): void {
    for (const line of lines.byKey.values())
      if (line.dirty > 0)
        this.owed.set(`${id} ${line.key}`, { key: line.key, version: versionOf(line), value: textOf(line.value), lapses: counters.lapses })
    for (const [name, { key, version, value, lapses }] of this.owed) {
      if (!name.startsWith(`${id} `)) continue
      const isTold = [...slots.values()].every(({ standing }) => standing.type !== 'arriving')
      const isOwed = (lines.byKey.get(key)?.dirty ?? 0) > 0 || (activities.get(key)?.writeBack ?? null) !== null
      if (isOwed || (!isTold && lapses === counters.lapses)) continue
      this.owed.delete(name)
      if (lapses < counters.lapses) continue
      assert(compareVersions(memory.versionOf(key), version) >= 0, 'what memory is said to have is there')
      assert(
        this.committed.has(value) || compareVersions(this.cleared.get(namespaceOf(key)) ?? noVersion, version) > 0,
        'what memory is said to have was in the log, unless it was cleared since',
      )
    }
  }

  memoryHas(memory: MemoryState): void {
    for (const [key, { version, value }] of memory.records) {
      assert(compareVersions(version, this.memory.get(key) ?? noVersion) >= 0, 'a version never goes back (rule 13)')
      assert(this.refused.size === 0 || !this.refused.has(`${key} ${textOf(value)}`), 'what was refused is not carried out')
      this.memory.set(key, version)
      is(this, key, version, value)
    }
    for (const [key, version] of this.told)
      assert(compareVersions(memory.versionOf(key), version) >= 0, 'nothing that anybody was told is lost')
  }
}

function tell(witness: Witness, key: Key, version: Version): void {
  if (compareVersions(version, witness.toldOf(key)) > 0) witness.told.set(key, version)
}

function is({ values }: Witness, key: Key, { term, grant, sequence }: Version, value: Value | null): void {
  if (value === null) return
  const name = `${key} ${term}.${grant}.${sequence}`
  const text = textOf(value)
  const known = values.get(name)
  assert(known === undefined || known === text, 'a version is one value')
  values.set(name, text)
}
