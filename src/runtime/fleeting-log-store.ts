import { Deque } from '#base/deque.ts'
import { term } from '#core/raft/types.ts'
import type { Entry, LogIndex, Term } from '#core/raft/types.ts'
import { emptyWrite } from '#ports/log-store.ts'
import type { GroupWrite, LoadOutcome, LogStore, SnapshotBytes, StoreBatch, StoredGroup, StoreFailure } from '#ports/log-store.ts'
import { metaGroup } from './meta-machine.ts'
import { epitaphOf } from './own-replicas.ts'

/**
 * A store that keeps the slots in memory, and on disk the node's own record and the meta group (decision C12). What a slot's replica has promised ends
 * with the process; so the next one must not speak as that replica. While a replica lives, the disk has its tombstone, with the term it is in: no vote
 * and no acknowledgement leaves before that is durable. A later life of the node finds that it was this replica, up to which term, and nothing else.
 *
 * Terms change rarely, so hardly any commit waits for the disk.
 */
export class FleetingLogStore implements LogStore {
  readonly forgetsSlots = true
  readonly #disk: LogStore
  readonly #memory: LogStore
  /** Of the replicas in memory. */
  readonly #living = new Map<number, { readonly about: Uint8Array | null; readonly term: Term }>()
  /** Commits that were not reported yet, in order. */
  readonly #open = new Deque<Commit>()
  #failure: StoreFailure | null = null

  /** `memory` is empty, and its commits take no time to speak of. */
  constructor(stores: { readonly disk: LogStore; readonly memory: LogStore }) {
    this.#disk = stores.disk
    this.#memory = stores.memory
  }

  load(done: (outcome: LoadOutcome) => void): void {
    this.#disk.load((outcome) => {
      if (outcome.type === 'loaded') this.#memory.load((empty) => (empty.type === 'loaded' ? this.#bury(outcome, done) : done(empty)))
      else done(outcome)
    })
  }

  /** Slots that an earlier life kept on disk will not be there: their replicas end here. */
  #bury(loaded: Extract<LoadOutcome, { type: 'loaded' }>, done: (outcome: LoadOutcome) => void): void {
    const isKept = ({ group }: StoredGroup): boolean => group === metaGroup
    const groups = loaded.groups.filter(isKept)
    const ended = loaded.groups.filter((stored) => !isKept(stored) && stored.about !== null)
    if (ended.length === 0) {
      done({ ...loaded, groups })
      return
    }
    const buried = ended.map(({ group, about, hardState }) => ({ group, tombstone: epitaphOf(about as Uint8Array, hardState.term) }))
    const removals = buried.map(({ group, tombstone }) => ({ ...emptyWrite(group), remove: { tombstone } }))
    const others = loaded.tombstones.filter(({ group }) => !buried.some((each) => each.group === group))
    this.#disk.commit({ node: null, groups: removals }, (failure) =>
      done(failure ?? { ...loaded, groups, tombstones: [...others, ...buried] }),
    )
  }

  commit({ node, groups }: StoreBatch, done: (failure: StoreFailure | null) => void): void {
    const inMemory = groups.filter(({ group }) => group !== metaGroup)
    const onDisk = [...groups.filter(({ group }) => group === metaGroup), ...this.#tombstonesOf(inMemory)]
    const writesDisk = node !== null || onDisk.length > 0
    const commit: Commit = { left: writesDisk ? 2 : 1, done }
    this.#open.push(commit)
    const ended = (failure: StoreFailure | null): void => {
      commit.left--
      this.#failure ??= failure
      for (let first = this.#open.at(0); first !== undefined && first.left === 0; first = this.#open.at(0)) {
        this.#open.shift()
        first.done(this.#failure)
      }
    }
    if (writesDisk) this.#disk.commit({ node, groups: onDisk }, ended)
    this.#memory.commit({ node: null, groups: inMemory }, ended)
  }

  /** A replica has one from its first write on, and another one with every term. */
  #tombstonesOf(writes: readonly GroupWrite[]): GroupWrite[] {
    const changed = new Map<number, GroupWrite>()
    for (const { group, about, hardState, remove } of writes) {
      const known = this.#living.get(group) ?? { about: null, term: term(0) }
      const living = { about: about ?? known.about, term: hardState?.term ?? known.term }
      if (remove === null) this.#living.set(group, living)
      else this.#living.delete(group)
      const isNews = living.about !== null && (living.about !== known.about || living.term !== known.term)
      const tombstone = remove?.tombstone ?? (isNews ? epitaphOf(living.about as Uint8Array, living.term) : null)
      if (tombstone !== null) changed.set(group, { ...emptyWrite(group), remove: { tombstone } })
    }
    return [...changed.values()]
  }

  readSnapshot(
    request: { readonly group: number; readonly index: LogIndex; readonly offset: number; readonly bytesMax: number },
    done: (chunk: SnapshotBytes | null | StoreFailure) => void,
  ): void {
    this.#of(request.group).readSnapshot(request, done)
  }

  readEntry(group: number, index: LogIndex, done: (entry: Entry | null | StoreFailure) => void): void {
    this.#of(group).readEntry(group, index, done)
  }

  #of(group: number): LogStore {
    return group === metaGroup ? this.#disk : this.#memory
  }

  close(done: () => void): void {
    this.#memory.close(() => this.#disk.close(done))
  }
}

interface Commit {
  /** How many stores are not done. */
  left: number
  readonly done: (failure: StoreFailure | null) => void
}
