import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LockMachine } from './machine.ts'
import { concat, identity, ref, TestLocks } from './testkit.ts'
import type { Acquire, DeadlockMode, Downgrade, Extend, Identity, Item, LockCommand, OwnerRef, Proof, Release } from './types.ts'
import { clientId, fencingToken, resourceName, sessionId } from './types.ts'

/** Few names, so that commands meet. Sessions a1 and a2 are A's, b1 is B's; n1 and n2 are nodes. */
const client = fc.constantFrom('A', 'B', 'C').map(clientId)
const resource = fc.constantFrom('p', 'q', 'r').map(resourceName)
const anySession = fc.constantFrom('a1', 'a2', 'b1', 'n1', 'n2').map(sessionId)
const mode = fc.constantFrom('shared' as const, 'exclusive' as const)
const sequence = fc.integer({ min: 1, max: 30 })

interface Asker {
  readonly owner: OwnerRef
  readonly identity: Identity | null
}

/** Who asks, and under which session: its own, a node's, none, or in the last two one that it may not use. */
const asker: fc.Arbitrary<Asker> = fc
  .record({
    who: fc.constantFrom(
      'A',
      'A n1',
      'A n2',
      'B',
      'B n1',
      'C n1',
      'C n2',
      'A/a1 a1',
      'A/a2 a2',
      'A/a1 n2',
      'B/b1 b1',
      'B/b1',
      'C b1',
      'C/a1',
    ),
    sequence,
    confirmed: fc.constantFrom(0, 0, 0, 0, 3),
  })
  .map(({ who, sequence: number, confirmed }) => {
    const [name = '', under] = who.split(' ')
    return { owner: ref(name), identity: under === undefined ? null : { ...identity(`${under}#${number + confirmed}`), confirmed } }
  })
const asked = <T extends object>(fields: fc.Arbitrary<T>): fc.Arbitrary<T & Asker> =>
  fc.tuple(fields, asker).map(([rest, who]) => ({ ...rest, ...who }))
const ttlMs = fc.constantFrom(0, 100, 1_000, 5_000)
const proof: fc.Arbitrary<Proof> = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map((token): Proof => ({ type: 'token', token: fencingToken(token) })),
  fc.constantFrom(5, 1_000).map((index): Proof => ({ type: 'as-of', index })),
)
const items: fc.Arbitrary<Item[]> = fc.uniqueArray(fc.record({ resource, mode }), {
  minLength: 1,
  maxLength: 3,
  size: 'max',
  selector: (item) => item.resource,
})

const command: fc.Arbitrary<LockCommand> = fc.oneof(
  {
    weight: 14,
    arbitrary: asked<Omit<Acquire, keyof Asker>>(
      fc.record({
        type: fc.constant('acquire' as const),
        items: fc.oneof({ weight: 3, arbitrary: items.map((each) => each.slice(0, 1)) }, { weight: 1, arbitrary: items }),
        ttlMs,
        lockDelayMs: fc.constantFrom(0, 0, 200),
        waitMs: fc.constantFrom(null, null, null, 0, 300, 2_000),
      }),
    ),
  },
  { weight: 5, arbitrary: asked<Omit<Release, keyof Asker>>(fc.record({ type: fc.constant('release' as const), resource, proof })) },
  { weight: 1, arbitrary: asked<Omit<Downgrade, keyof Asker>>(fc.record({ type: fc.constant('downgrade' as const), resource, proof })) },
  {
    weight: 1,
    arbitrary: asked<Omit<Extend, keyof Asker>>(
      fc.record({ type: fc.constant('extend' as const), resource, ttlMs, token: fc.constant(null) }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('cancel' as const),
      attempt: fc.record({ session: anySession, sequence }),
      ifGranted: fc.constantFrom('keep' as const, 'release' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(['a1', 'A'], ['a2', 'A'], ['b1', 'B']).map(([session = '', name = '']): LockCommand => ({
      type: 'open-session',
      session: sessionId(session),
      client: clientId(name),
      ttlMs: 5_000,
      lockDelayMs: session === 'a2' ? 300 : 0,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('n1', 'n2')
      .map((name): LockCommand => ({ type: 'open-node-session', session: sessionId(name), node: `node-${name}`, ttlMs: 5_000 })),
  },
  { weight: 1, arbitrary: anySession.map((session): LockCommand => ({ type: 'close-session', session })) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(anySession, { maxLength: 2 })
      .map((sessions): LockCommand => ({ type: 'expire-sessions', term: 1, sessions })),
  },
  { weight: 4, arbitrary: fc.constant({ type: 'expire-due' } as const) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('force-release' as const), resource, client: fc.option(client) }) },
)

const modes = ['requester', 'youngest', 'fewest-locks', 'wait-die', 'wound-wait'] satisfies DeadlockMode[]
const step = fc.record({ command, passes: fc.constantFrom(0, 0, 0.5, 100, 700) })

const told = new Map<string, number>()

function count(locks: TestLocks, answer: string): void {
  for (const word of [answer, ...locks.events.map(({ type }) => type)]) told.set(word, (told.get(word) ?? 0) + 1)
}

test('replicas that apply one log are equal byte for byte, also those that began with a snapshot, and every invariant holds on the way', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...modes),
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (deadlockMode, steps, cut) => {
        const locks = new TestLocks()
        locks.configure(deadlockMode)
        for (const who of ['A/a1', 'B/b1', 'A/a2']) locks.open(who, { ttlMs: 5_000, lockDelayMs: who === 'A/a2' ? 300 : 0 })
        for (const node of ['n1', 'n2']) locks.openNode(node)
        const late = new LockMachine()
        steps.forEach((each, at) => {
          locks.time += each.passes
          const answer = locks.do(each.command)
          count(locks, answer.type === 'refused' ? answer.code : answer.type)
          const entry = locks.log.at(-1)
          if (at > Math.floor(cut * steps.length) && entry !== undefined) {
            deepEqual(late.execute(entry.command, entry.context), { answer, events: locks.events })
          } else if (at === Math.floor(cut * steps.length)) equal(late.restore(locks.snapshot()), null)
        })
        const state = locks.snapshot()
        if (cut < 1) deepEqual(concat([...late.snapshot()]), state)
        const again = new LockMachine()
        for (const entry of locks.log) again.execute(entry.command, entry.context)
        deepEqual(concat([...again.snapshot()]), state)
      },
    ),
    { numRuns: 1_500 },
  )
  console.log(JSON.stringify(Object.fromEntries([...told].toSorted(([left], [right]) => (left < right ? -1 : 1)))))
  const rare = ['deadlock', 'wounded', 'wait_die', 'already_answered', 'timed-out', 'cancelled', 'downgraded']
  for (const word of rare) ok((told.get(word) ?? 0) > 0, `no run met with ${word}`)
})
