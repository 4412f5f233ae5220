import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { logIndex } from '#core/raft/types.ts'
import type { Entry, SnapshotMeta } from '#core/raft/types.ts'
import type { GroupWrite } from '#ports/log-store.ts'
import { bytesOf, chunkOf, compactTo, entryAt, indexesOf, metaAt, OpenStore } from './log-store-kit.ts'
import type { TestDisk } from './log-store-kit.ts'

/** What a group holds, said in the plainest way. */
interface ModelGroup {
  term: number
  base: { index: number; term: number }
  entries: Entry[]
  /** Live entries at or before the base, by index. */
  live: Map<number, Entry>
  snapshot: { meta: SnapshotMeta; bytes: Uint8Array } | null
  fetched: { after: number; upTo: number; entries: readonly Entry[] } | null
}

/** Numbers that the model turns into an operation that is allowed: how each is read depends on the state. */
interface Step {
  readonly kind: 'append' | 'replace' | 'compact' | 'change' | 'fetch' | 'install' | 'remove' | 'read' | 'settle' | 'reopen'
  readonly group: number
  readonly amount: number
  readonly share: number
  readonly length: number
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>(
      'append',
      'append',
      'append',
      'replace',
      'compact',
      'change',
      'fetch',
      'install',
      'remove',
      'read',
      'settle',
      'reopen',
    ),
    group: fc.integer({ min: 1, max: 3 }),
    amount: fc.integer({ min: 1, max: 40 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.constantFrom(0, 1, 30, 300, 3_000, 30_000),
  }),
  { minLength: 10, maxLength: 60 },
)

/** Random sequences of operations; commits overlap until a step settles them. */
export const storeProperty = (create: () => TestDisk) => async (): Promise<void> => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const disk = create()
      try {
        await new Run(disk).play(sequence)
      } finally {
        disk.dispose()
      }
    }),
    { numRuns: 60, plugins: [fc.interruptAfterTimeLimit(6_000, { failOnInterrupt: false })] },
  )
}

class Run {
  readonly #disk: TestDisk
  readonly #groups = new Map<number, ModelGroup>()
  readonly #tombstones = new Map<number, Uint8Array>()
  readonly #underWay: Promise<void>[] = []
  #open: OpenStore

  constructor(disk: TestDisk) {
    this.#disk = disk
    this.#open = new OpenStore(disk.open())
  }

  async play(sequence: readonly Step[]): Promise<void> {
    await this.#check()
    for (const step of sequence) await this.#take(step)
    await this.#reopen()
    await this.#open.close()
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        this.#append(step, null)
        return
      case 'replace':
        this.#replace(step)
        return
      case 'compact':
        this.#compact(step, false)
        return
      case 'change':
        this.#compact(step, true)
        return
      case 'fetch':
        this.#fetch(step)
        return
      case 'install':
        this.#install(step)
        return
      case 'remove':
        this.#remove(step)
        return
      case 'read':
        await this.#read(step)
        return
      case 'settle':
        await this.#settle()
        return
      case 'reopen':
        await this.#reopen()
    }
  }

  #group(number: number): ModelGroup {
    const known = this.#groups.get(number)
    if (known !== undefined) return known
    const group = { term: 1, base: { index: 0, term: 0 }, entries: [], live: new Map<number, Entry>(), snapshot: null, fetched: null }
    this.#groups.set(number, group)
    return group
  }

  #write(write: Partial<GroupWrite> & { readonly group: number }): void {
    this.#underWay.push(this.#open.commit(write))
  }

  #append({ group: number, amount, length }: Step, truncateFrom: number | null): void {
    const group = this.#group(number)
    const from = group.base.index + group.entries.length + 1
    const entries = Array.from({ length: amount }, (_, at) => entryAt(from + at, { term: group.term, bytes: bytesOf(length, from + at) }))
    group.entries.push(...entries)
    this.#write({ group: number, truncateFrom: truncateFrom === null ? null : logIndex(truncateFrom), entries })
  }

  #replace(step: Step): void {
    const group = this.#group(step.group)
    const kept = Math.floor(group.entries.length * step.share)
    group.term++
    group.entries = group.entries.slice(0, kept)
    this.#append({ ...step, amount: step.amount % 4 }, group.base.index + kept + 1)
  }

  #compact({ group: number, amount, share, length }: Step, namesChanges: boolean): void {
    const group = this.#groups.get(number)
    const dropped = group?.entries.slice(0, Math.ceil(group.entries.length * share)) ?? []
    const last = dropped.at(-1)
    if (group === undefined || last === undefined) return
    const meta = metaAt(last.index, length, last.term)
    const bytes = bytesOf(length, amount)
    const isLive = ({ index }: Entry): boolean => index % (1 + (amount % 5)) === 0 || index % amount < 3
    const live = [...group.live.values(), ...dropped].filter(isLive)
    const dead = [...group.live.values()].filter((entry) => !isLive(entry))
    const named = namesChanges ? dropped.filter(isLive) : live
    group.fetched = null
    group.base = { index: last.index, term: last.term }
    group.entries = group.entries.slice(dropped.length)
    group.live = new Map(live.map((entry) => [entry.index, entry]))
    group.snapshot = { meta, bytes }
    const half = Math.floor(length / 2)
    this.#write({ group: number, snapshotChunk: chunkOf(meta, 0, bytes.subarray(0, half)) })
    const compact = compactTo(meta, {
      dropUpTo: last.index,
      dropTerm: last.term,
      live: indexesOf(named),
      ...(namesChanges ? { dead: indexesOf(dead) } : {}),
    })
    this.#write({ group: number, snapshotChunk: half === 0 && length === 0 ? null : chunkOf(meta, half, bytes.subarray(half)), compact })
  }

  #fetch({ group: number, amount, share, length }: Step): void {
    const group = this.#group(number)
    const anew = group.fetched === null || amount % 4 === 0
    const begin = group.base.index + Math.floor(group.entries.length * share)
    const { after, upTo, entries } = anew || group.fetched === null ? { after: begin, upTo: begin, entries: [] } : group.fetched
    const fetched = Array.from({ length: amount }, (_, at) => upTo + 1 + at)
      .filter((index) => index % 3 > 0)
      .map((index) => entryAt(index, { term: group.term, bytes: bytesOf(length, index) }))
    group.fetched = { after, upTo: upTo + amount, entries: [...entries, ...fetched] }
    this.#write({ group: number, bodies: { anew, after: logIndex(upTo), upTo: logIndex(upTo + amount), entries: fetched } })
  }

  #install({ group: number, amount, length }: Step): void {
    const group = this.#group(number)
    const { after, entries: fetched } = group.fetched ?? { after: 0, entries: [] }
    const index = group.base.index + group.entries.length + amount
    const meta = metaAt(index, length, ++group.term)
    const bytes = bytesOf(length, amount)
    const kept = [...group.live.values(), ...group.entries].filter((entry) => entry.index <= after)
    const live = new Map([...kept, ...fetched.filter((entry) => entry.index <= index)].map((entry) => [entry.index, entry]))
    Object.assign(group, { base: { index, term: meta.term }, entries: [], live, snapshot: { meta, bytes }, fetched: null })
    this.#write({ group: number, snapshotChunk: chunkOf(meta, 0, bytes), install: meta })
  }

  #remove({ group: number, amount }: Step): void {
    this.#groups.delete(number)
    this.#tombstones.set(number, bytesOf(4, amount))
    this.#write({ group: number, remove: { tombstone: bytesOf(4, amount) } })
  }

  /** Asked for while commits are under way: it sees them. */
  async #read({ group: number, share }: Step): Promise<void> {
    const group = this.#groups.get(number)
    if (group === undefined) {
      equal(await this.#open.entry(number, 1), null)
      return
    }
    const all = [...group.live.values(), ...group.entries]
    const expected = all[Math.floor(all.length * share)]
    if (expected !== undefined) deepEqual(await this.#open.entry(number, expected.index), expected)
    equal(await this.#open.entry(number, group.base.index + group.entries.length + 1), null)
    if (group.snapshot === null) return
    deepEqual(await this.#open.snapshot(number, group.snapshot.meta.index, 1_000), group.snapshot.bytes)
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay.splice(0))
  }

  async #reopen(): Promise<void> {
    const settled = this.#settle()
    await this.#open.close()
    await settled
    this.#open = new OpenStore(this.#disk.open())
    await this.#check()
  }

  /** Loads, and compares everything. */
  async #check(): Promise<void> {
    const { groups, tombstones } = await this.#open.loaded()
    const byNumber = (left: readonly [number, unknown], right: readonly [number, unknown]): number => left[0] - right[0]
    deepEqual(
      tombstones,
      [...this.#tombstones].sort(byNumber).map(([group, tombstone]) => ({ group, tombstone })),
    )
    deepEqual(
      groups.map(({ group, base, entries, snapshot, bodies }) => ({ group, base, entries, snapshot, bodies })),
      [...this.#groups].sort(byNumber).map(([group, { base, entries, snapshot, fetched }]) => {
        const bodies = fetched === null ? null : { after: fetched.after, upTo: fetched.upTo }
        return { group, base, entries, snapshot: snapshot?.meta ?? null, bodies }
      }),
    )
    for (const [number, { live, snapshot }] of this.#groups) {
      for (const entry of live.values()) deepEqual(await this.#open.entry(number, entry.index), entry)
      if (snapshot === null) continue
      const found = await this.#open.snapshot(number, snapshot.meta.index)
      ok(found !== null && Buffer.compare(found, snapshot.bytes) === 0, 'the snapshot is as it was written')
    }
  }
}
