import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const fetches = 'src/runtime/body-fetch.test.ts'
const faults = 'src/runtime/body-fetch-faults.sim.test.ts'
const queues = 'src/services/queue/queue-service.test.ts'
const lmdb = 'src/io/lmdb/lmdb-log-store.test.ts'
const memory = 'src/io/memory/memory-log-store.test.ts'
const chores = 'src/io/lmdb/chores.test.ts'
const snapshots = 'src/runtime/snapshots.test.ts'

const whole = 'decision Q1: a follower that begins with a snapshot has every body that is needed'
const moved = 'decision Q1: a slot moves to other nodes one by one, and no body is lost when the old ones are gone'
const resumed = 'a follower that restarts while it fetches bodies goes on where it was'
const nextLeader = 'what is fetched counts for the snapshot of the next leader too'
const kept = 'decision Q1: bodies that were fetched are there when their snapshot is, with those that the log had before'

/** Bodies that a replica fetches before it installs a snapshot, and what a store deletes of them. */
export const bodyFetch: readonly Mutant[] = [
  {
    name: 'snapshot-installed-without-bodies',
    guards: 'decision Q1',
    breaks: 'A replica vouches for a snapshot, and votes, without the bodies that it stands for.',
    file: 'src/runtime/group.ts',
    original: '      if (last) this.#bodies.begin(snapshot, written)\n      else written()',
    mutated: '      written()',
    checks: [
      test(fetches, whole),
      test(fetches, moved),
      test(faults, 'decision Q1: whatever crashes and whoever leads, every replica has the bodies it needs once it has caught up'),
      test(queues, 'decision Q1: a replica that began with a snapshot delivers when it alone has the bodies'),
    ],
  },
  {
    name: 'bodies-counted-before-durable',
    guards: 'decision Q1',
    breaks: 'A snapshot is installed although the last bodies were not asked for yet.',
    file: 'src/runtime/body-fetch.ts',
    original: 'isNeeded && this.#after < wanted.snapshot.index',
    mutated: 'isNeeded && this.#fetched === null',
    checks: [test(fetches, whole)],
  },
  {
    name: 'bodies-told-by-who-does-not-know',
    guards: 'decision Q1',
    breaks: 'Who has not applied as much as a snapshot answers for it, and leaves out what it does not know.',
    file: 'src/runtime/body-reader.ts',
    original: 'bodies === null || applier.last.index < upTo',
    mutated: 'bodies === null',
    checks: [test(fetches, 'decision Q1: who has not applied up to a snapshot does not answer for its bodies')],
  },
  {
    name: 'missing-body-passed-over',
    guards: 'decision Q1',
    breaks: 'A body that the leader has lost is taken for one that nobody needs.',
    file: 'src/runtime/body-reader.ts',
    original: 'if (entry === null && this.#isLive(share[place] as LogIndex))',
    mutated: 'if (entry === null && share.length === 0)',
    checks: [test(fetches, 'a body that the leader has lost comes from another replica')],
  },
  {
    name: 'only-the-leader-asked',
    guards: 'decision Q1',
    breaks: 'A body that only the leader has lost is never found.',
    file: 'src/runtime/body-fetch.ts',
    original: '    wanted.asked++\n',
    mutated: '',
    checks: [{ ...test(fetches, 'a body that the leader has lost comes from another replica'), liveness: true }],
  },
  {
    name: 'answer-ends-where-it-does-not',
    guards: 'decision Q1',
    breaks: 'An answer that is full says that there are no more bodies.',
    file: 'src/runtime/body-reader.ts',
    original: "respond({ type: 'bodies', upTo: share.at(-1) as LogIndex, entries: this.#entries })",
    mutated: "respond({ type: 'bodies', upTo: this.#upTo, entries: this.#entries })",
    checks: [test(fetches, whole)],
  },
  {
    name: 'fetch-begins-anew-after-restart',
    guards: 'decision Q1',
    breaks: 'A follower that restarts now and then never gets to the end of its bodies.',
    file: 'src/runtime/host.ts',
    original: 'fetchedBodies: bodies',
    mutated: 'fetchedBodies: bodies === null ? bodies : null',
    checks: [test(fetches, resumed)],
  },
  {
    name: 'fetch-begins-anew-with-each-leader',
    guards: 'decision Q1',
    breaks: 'A new leader’s snapshot makes a follower fetch everything again.',
    file: 'src/runtime/group.ts',
    original: '    this.#bodies.stop()\n    const { snapshot, offset',
    mutated: '    this.#bodies.stop()\n    this.#bodies.forget()\n    const { snapshot, offset',
    checks: [test(fetches, nextLeader)],
  },
  {
    name: 'last-chunk-sent-for-ever',
    guards: 'decision Q1',
    breaks: 'While a follower fetches bodies its leader reads and sends the last chunk again and again.',
    file: 'src/core/raft/follower.ts',
    original: '    askForNothing(replica, receiving, chunk)\n',
    mutated: '',
    checks: [test('src/core/raft/pitfalls-log.test.ts', 'a last chunk that comes again while it waits')],
  },
  {
    name: 'former-log-forgotten-at-install',
    guards: 'decision Q1',
    breaks: 'What a follower had before a snapshot, and did not fetch, is gone when that is installed.',
    file: 'src/io/lmdb/write-plan.ts',
    original: '    if (after === 0) return\n',
    mutated: '    if (after >= 0) return\n',
    checks: [test(lmdb, kept)],
  },
  {
    name: 'fetched-behind-the-snapshot',
    guards: 'decision Q1',
    breaks: 'What was fetched for a newer snapshot lies in the way of the log that follows an older one.',
    file: 'src/io/memory/memory-disk.ts',
    original: 'fetched.entries) if (index <= meta.index) this',
    mutated: 'fetched.entries) if (index > 0) this',
    checks: [test(memory, 'bodies of several snapshots stay until a compaction does not name them, or names them dead')],
  },
  {
    name: 'changes-told-after-an-install',
    guards: 'decision Q1',
    breaks: 'After a restart or an install the store is told of changes only, and keeps what died before for ever.',
    file: 'src/runtime/snapshots.ts',
    original: '    this.#cutUpTo = null\n',
    mutated: '',
    checks: [test(fetches, 'a follower that comes back again and again fetches each body once, and keeps none that is dead')],
  },
  {
    name: 'dead-bodies-not-told',
    guards: 'queue.md',
    breaks: 'What dies after a cut stays on the disk until the next restart.',
    file: 'src/runtime/snapshots.ts',
    original: '(bodies?.dead() ?? [])',
    mutated: '[]',
    checks: [test(snapshots, 'a store is told of all that lives once, and then of what has changed')],
  },
  {
    name: 'cut-lists-everything',
    guards: 'queue.md',
    breaks: 'Each cut of a log costs all that lives, not what has changed.',
    file: 'src/runtime/snapshots.ts',
    original: '    this.#cutUpTo = index\n',
    mutated: '    this.#cutUpTo = null\n',
    checks: [test(snapshots, 'a store is told of all that lives once, and then of what has changed')],
  },
  {
    name: 'dead-entries-of-a-run-forgotten',
    guards: 'queue.md',
    breaks: 'What dies one by one is never deleted, for no single death makes a run half dead.',
    file: 'src/io/lmdb/log-sweep.ts',
    original: '      this.#remains.set(first, { size: entries.length, dead })\n',
    mutated: '',
    checks: [test(lmdb, 'what is left of a log goes also when it dies one by one, in any order')],
  },
  {
    name: 'changed-run-rewritten-twice',
    guards: 'queue.md',
    breaks: 'A run that one transaction changes twice comes back with what the first change took from it.',
    file: 'src/io/lmdb/log-sweep.ts',
    original: 'if (share.isOver || share.hasChanged(positionOf(run.key))) return',
    mutated: 'if (share.isOver) return',
    checks: [test(chores, 'what dies in several cuts before the store gets round to it is gone in the end')],
  },
]
