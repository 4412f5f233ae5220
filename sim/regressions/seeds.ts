import type { ServiceName } from '#sim/services.ts'

/** Seeds that failed once, and why. What a seed does changes with the code; that these pass is the least that can be asked. */
export const regressions: Readonly<Record<ServiceName, readonly Regression[]>> = {
  register: [
    { seed: 5, why: 'a node of an old build joined while its groups were being raised to a version it did not know' },
    { seed: 18, why: 'a snapshot that was being taken was named in the store of the replica that had taken its place' },
    { seed: 21, why: 'a member taken for dead had no replica left, so nobody heard it and it never came back' },
    { seed: 34, why: 'a wiped node was refused for ever, because the cluster constants had changed since its configuration was written' },
    { seed: 40, why: 'the meta group was restored from a snapshot on an idle cluster, and its node was not told' },
    { seed: 58, why: 'the learner of an idle group never counted as caught up, because its first round had been slow' },
    { seed: 105, why: 'a wiped node followed the meta group, but never announced itself, because it had applied no entry' },
    { seed: 120, why: 'a removed node went on asking to be let in' },
    { seed: 1013, why: 'a leader with an old table took away the learner of a move, and the move waited for it for ever' },
    { seed: 1032, why: 'a node lost its disk twice, and a move to its first replacement could neither go on nor back' },
    { seed: 1155, why: 'a node that was once barred for its wall clock heard nobody any more, and stayed barred' },
    { seed: 3587, why: 'a move was recorded on a configuration that the next leader of its slot took back' },
    { seed: 2_220_577_947, why: 'a switch that was found done while its move still waited could not be recorded any more' },
    { seed: 2_778_898_506, why: 'a timer set for less than the rounding of virtual time left time standing still' },
    {
      seed: 910_907,
      why: 'a node that was restarted saw the past of the cluster once more, and took up constants that it had left behind',
    },
    { seed: 1_936_103_345, why: 'an operator wiped a node for what had happened in an earlier life of it, and a group lost its majority' },
    { seed: 4_123_415_815, why: 'an operator took a node for removed because another, just restarted, did not know of it yet' },
    {
      seed: 2_468_698_535,
      why: 'the network delivered a proposal twice, which was refused at first and taken then, and came a third time as another one',
    },
  ],
  lock: [
    { seed: 6, why: 'a client that hung up on an upgrade lost the shared lock that it worked under' },
    { seed: 3_028, why: 'a lock without an end was granted late, when the operator had taken away all there were' },
    { seed: 265_562_708, why: 'the end of a lock of an earlier session was taken for that of the present one' },
    {
      seed: 1_587_750_125,
      why: 'a member left just after another had lost its disk, and the voters that were to remain could not commit the change to them',
    },
    { seed: 265_562_834, why: 'one that won an older term late was blamed for lacking what a newer leader had committed' },
  ],
  library: [{ seed: 20_247, why: 'a client of the library did not understand that its lock had been taken away while it had no link' }],
  queue: [
    { seed: 3_943_613_911, why: 'a leader showed a message that its followers had seen expire' },
    {
      seed: 3_471_700_647,
      why: 'a leader that was deposed read the body of an entry that it had not applied, and that a newer one had replaced',
    },
    {
      seed: 3_471_700_547,
      why: 'nobody took what a leader without a majority was asked for in vain, and a consumer was blamed for being told so',
    },
    {
      seed: 1_718_345_436,
      why: 'a batch and its repeat were in one entry, between them its message was dropped, and the ledger counted it twice',
    },
  ],
  'queue-library': [
    { seed: 2, why: 'a worker that was stopped waited for the answer of a node that was silent' },
    { seed: 4, why: 'a worker that was stopped waited for a node to tell where its queue is' },
    { seed: 1_014, why: 'messages without a key were blamed for their order, when their queue had fewer partitions than before' },
  ],
  cache: [
    { seed: 1_008, why: 'what a loader brought was stored over what an owner had written meanwhile' },
    { seed: 41_154, why: 'a home that shed load turned away what a former home had carried out, and said that nothing was' },
    { seed: 20_000_655, why: 'a learner that did not notice that its leader was gone did not give up, and its slot never began anew' },
    {
      seed: 9_001_290,
      why: 'a home opened before what the agent beside it had pushed was in the log, and closed the session that it then welcomed',
    },
    {
      seed: 9_001_137,
      why: 'a learner that was taken back, and could have been a voter by then, was not said to be lost, and its slot never began anew',
    },
    {
      seed: 9_002_328,
      why: 'who watched a key at the node that wrote it was not told, as the line had gone to make room before memory had the value',
    },
    {
      seed: 9_004_290,
      why: 'fifteen deletes that nobody was told of could have been anywhere, and whether it was linearizable was not decided',
    },
    {
      seed: 20_004_239,
      why: 'who waited no longer for a write at the level owner read it before memory had it, and was taken for a stranger',
    },
    {
      seed: 1_022,
      why: 'a read that fits anywhere was placed before what the log says comes next, and whether it was linearizable was not decided',
    },
    { seed: 8_103_337, why: 'two additions added as much, and one that was lost was taken for the other' },
    {
      seed: 8_103_911,
      why: 'a node that was told to follow the meta group, to which nothing came, refused for ever what was decided on the same configuration',
    },
    {
      seed: 19_001_603,
      why: 'a member that was merely silent was removed though a slot had lost another replica, and had no majority for good',
    },
  ],
  'cache-library': [
    { seed: 1_005, why: 'who watched a key that another was loading read it again and again, and withdrew a fill each time' },
  ],
}

interface Regression {
  readonly seed: number
  readonly turnover?: true
  readonly why: string
}
