import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logIndex } from '#core/raft/types.ts'
import type { Claimed, Damaged, LoggedEntry, MemberRecord, Ownership, SlotRecord } from '#ports/redis-slots.ts'
import { batchBehind, done, loggedAt, nobody, ownedBy, promised, snapshotAt, start, tailOf, TestClient } from './redis-slots-kit.ts'
import type { TestRedis } from './redis-slots-kit.ts'

/** What every Redis, real or simulated, owes the engine above it. */
export function conformRedisSlots(kind: string, create: () => Promise<TestRedis>, skip: string | false = false): void {
  const check: Check = (name, body) => {
    test(name, { timeout: 20_000 }, async () => {
      const redis = await create()
      const clients: TestClient[] = []
      const connect = async (node: string): Promise<TestClient> => {
        const client = new TestClient(redis.connect(node))
        clients.push(client)
        await client.isUp()
        return client
      }
      try {
        await body(redis, connect)
      } finally {
        await Promise.all(clients.map((client) => client.stop()))
        await redis.dispose()
      }
    })
  }
  describe(`${kind} slots`, { skip }, () => {
    endings(check)
    members(check)
    owners(check)
    logs(check)
    snapshots(check)
  })
}

type Check = (name: string, body: (redis: TestRedis, connect: (node: string) => Promise<TestClient>) => Promise<void>) => void

const read = async (client: TestClient, from: number, to: number, slot = 1): Promise<readonly LoggedEntry[]> => {
  const entries = await done<readonly LoggedEntry[] | Damaged>((reply) =>
    client.slots.readLog(slot, { from: logIndex(from), to: logIndex(to) }, reply),
  )
  ok(!('type' in entries), 'the log is not damaged')
  return entries
}

const recordOf = async (client: TestClient): Promise<SlotRecord> => {
  const table = await done<readonly SlotRecord[]>((reply) => client.slots.readTable(2, reply))
  return table[0] as SlotRecord
}

/** The first owner of slot 1. */
async function owned(client: TestClient, owner = 'a/1'): Promise<Ownership> {
  await done((reply) => client.slots.found({ id: 'c', slots: 2 }, reply))
  const claimed = await done<Claimed>((reply) => client.slots.claim(1, nobody, owner, reply))
  equal(claimed.type, 'held')
  return ownedBy(owner, claimed.slot.epoch)
}

function endings(check: Check): void {
  check('a session tells who the server is and how it keeps what it is given', async (_redis, connect) => {
    const [server] = (await (await connect('a')).isUp()).servers
    equal(server?.role, 'master')
    equal(server?.appendonly, 'yes')
    equal(server?.appendfsync, 'always')
    ok(/^\d+\.\d+\.\d+$/.test(server?.version ?? ''), 'a version is three numbers')
  })

  check('a restarted server is another one, and has what was confirmed', async (redis, connect) => {
    const client = await connect('a')
    const { identity } = await client.isUp()
    const own = await owned(client)
    equal(await done((reply) => client.slots.append(1, own, batchBehind(start, 'x', 3), reply)), 'written')
    const { sessions } = client
    await redis.restart()
    notEqual((await client.renewed(sessions)).identity, identity)
    equal((await recordOf(client)).tail.index, 3)
    equal((await read(client, 1, 3)).length, 3)
  })

  check('decision Q4: what is asked when a session ends is broken, and never carried out later', async (redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    client.slots.reset('the test says so')
    await client.isDown()
    const reply = await promised((answer) => client.slots.append(1, own, batchBehind(start, 'x', 1), answer))
    equal(reply.type, 'broken')
    await client.isUp()
    const { sessions } = client
    await redis.restart()
    await client.renewed(sessions)
    equal((await recordOf(client)).tail.index, 0)
  })

  check('calls report after they return, in the order they were made', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    const order: string[] = []
    await new Promise<void>((resolve) => {
      client.slots.append(1, own, batchBehind(start, 'x', 1), () => order.push('first'))
      client.slots.append(1, own, batchBehind(tailOf(1, 'x'), 'y', 1), () => {
        order.push('second')
        resolve()
      })
      order.push('returned')
    })
    deepEqual(order, ['returned', 'first', 'second'])
    equal((await recordOf(client)).tail.index, 2)
  })
}

function members(check: Check): void {
  check('the first to found a cluster decides about it', async (_redis, connect) => {
    const [a, b] = [await connect('a'), await connect('b')]
    deepEqual(await done((reply) => a.slots.found({ id: 'one', slots: 2 }, reply)), { id: 'one', slots: 2 })
    deepEqual(await done((reply) => b.slots.found({ id: 'two', slots: 3 }, reply)), { id: 'one', slots: 2 })
  })

  check('each beat tells of all members, and who is forgotten is gone, unless it was heard of since', async (_redis, connect) => {
    const client = await connect('a')
    const member = (name: string, beat: number): MemberRecord => ({ id: `${name}/1`, address: `${name}:1`, version: 2, beat })
    await done<readonly MemberRecord[]>((reply) => client.slots.beat(member('a', 1), reply))
    await done<readonly MemberRecord[]>((reply) => client.slots.beat(member('b', 1), reply))
    const all = await done<readonly MemberRecord[]>((reply) => client.slots.beat(member('a', 2), reply))
    deepEqual(
      [...all].sort((left, right) => (left.id < right.id ? -1 : 1)),
      [member('a', 2), member('b', 1)],
    )
    await done((reply) => client.slots.forget([member('a', 1), member('b', 1)], reply))
    deepEqual(await done<readonly MemberRecord[]>((reply) => client.slots.beat(member('a', 3), reply)), [member('a', 3)])
  })
}

function owners(check: Check): void {
  check('a slot that nobody has touched is empty, and every slot is told', async (_redis, connect) => {
    const client = await connect('a')
    await done((reply) => client.slots.found({ id: 'c', slots: 2 }, reply))
    const empty: SlotRecord = { ...nobody, tail: start, snapshot: null, trimmed: logIndex(0), failed: null }
    deepEqual(await done((reply) => client.slots.readTable(2, reply)), [empty, empty])
  })

  check('decision Q2: of two who claim a slot in one epoch only one gets it', async (_redis, connect) => {
    const [a, b] = [await connect('a'), await connect('b')]
    await done((reply) => a.slots.found({ id: 'c', slots: 2 }, reply))
    const claims = await Promise.all([
      done<Claimed>((reply) => a.slots.claim(1, nobody, 'a/1', reply)),
      done<Claimed>((reply) => b.slots.claim(1, nobody, 'b/1', reply)),
    ])
    deepEqual(claims.map(({ type }) => type).sort(), ['held', 'lost'])
    equal(claims[0].slot.owner, claims[1].slot.owner)
    equal((await recordOf(a)).epoch, 1)
  })

  check('decision Q2: an owner whose epoch is over writes nothing', async (_redis, connect) => {
    const [a, b] = [await connect('a'), await connect('b')]
    const old = await owned(a)
    const claimed = await done<Claimed>((reply) => b.slots.claim(1, old, 'b/1', reply))
    equal(claimed.slot.epoch, 2)
    equal(await done((reply) => a.slots.append(1, old, batchBehind(start, 'x', 1), reply)), 'lost')
    equal(await done((reply) => a.slots.release(1, old, reply)), 'lost')
    equal(await done((reply) => a.slots.fail(1, old, 'why', reply)), 'lost')
    equal(
      await done((reply) => a.slots.writeChunk(1, old, { place: 'a', index: logIndex(1), number: 0, bytes: Uint8Array.of(1) }, reply)),
      'lost',
    )
    equal(await done((reply) => a.slots.install(1, old, snapshotAt(1, 1), reply)), 'lost')
    equal(await done((reply) => a.slots.trim(1, old, { drop: [], keep: [], trimmed: logIndex(1) }, reply)), 'lost')
    equal((await done<Claimed>((reply) => a.slots.assertOwner(1, old, reply))).type, 'lost')
    deepEqual(await recordOf(a), { ...ownedBy('b/1', 2), tail: start, snapshot: null, trimmed: 0, failed: null })
  })

  check(
    'decision Q3: an ownership holds again over a lower epoch and over itself, and not over another of the same',
    async (_redis, connect) => {
      const client = await connect('a')
      const own = await owned(client)
      equal((await done<Claimed>((reply) => client.slots.assertOwner(1, own, reply))).type, 'held')
      equal((await done<Claimed>((reply) => client.slots.assertOwner(1, ownedBy('b/1', 1), reply))).type, 'lost')
      const higher = await done<Claimed>((reply) => client.slots.assertOwner(1, ownedBy('b/1', 5), reply))
      deepEqual([higher.type, higher.slot.owner, higher.slot.epoch], ['held', 'b/1', 5])
      equal((await done<Claimed>((reply) => client.slots.assertOwner(1, own, reply))).type, 'lost')
    },
  )

  check('a slot that was released or has failed is in the same epoch; a failed one cannot be claimed', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    equal(await done((reply) => client.slots.release(1, own, reply)), 'written')
    const again = await done<Claimed>((reply) => client.slots.claim(1, ownedBy(null, 1), 'b/1', reply))
    deepEqual([again.type, again.slot.epoch], ['held', 2])
    equal(await done((reply) => client.slots.fail(1, ownedBy('b/1', 2), 'entries are missing', reply)), 'written')
    const { failed } = await recordOf(client)
    equal(failed, 'entries are missing')
    equal((await done<Claimed>((reply) => client.slots.claim(1, ownedBy('b/1', 2), 'c/1', reply))).type, 'lost')
  })
}

function logs(check: Check): void {
  check('entries are read back as they were, also those with awkward bytes and times', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 31) & 0xff)
    const entries = [loggedAt(1), loggedAt(2, 1, bytes), loggedAt(3, 1, new Uint8Array(0))]
    equal(await done((reply) => client.slots.append(1, own, { id: 'x', previous: start, entries }, reply)), 'written')
    const logged: LoggedEntry[] = []
    while (logged.length < 3) logged.push(...(await read(client, logged.length + 1, 3)))
    deepEqual(
      logged,
      entries.map((entry) => ({ entry, batch: 'x' })),
    )
    deepEqual(await done((reply) => client.slots.readEntry(1, logIndex(2), reply)), entries[1])
    equal(await done((reply) => client.slots.readEntry(1, logIndex(4), reply)), null)
    equal(await done((reply) => client.slots.readEntry(2, logIndex(1), reply)), null)
  })

  check('decision Q4: the same batch again is answered as written, and is there once', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    const batch = batchBehind(start, 'x', 2)
    equal(await done((reply) => client.slots.append(1, own, batch, reply)), 'written')
    equal(await done((reply) => client.slots.append(1, own, batch, reply)), 'written')
    deepEqual((await recordOf(client)).tail, tailOf(2, 'x'))
    equal((await read(client, 1, 9)).length, 2)
  })

  check('a batch goes right behind the one it names, and nowhere else', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    await done((reply) => client.slots.append(1, own, batchBehind(start, 'x', 2), reply))
    for (const previous of [start, tailOf(1, 'x'), tailOf(2, 'y'), tailOf(3, 'x')]) {
      equal(await done((reply) => client.slots.append(1, own, batchBehind(previous, 'z', 1), reply)), 'elsewhere')
    }
    deepEqual((await recordOf(client)).tail, tailOf(2, 'x'))
  })

  check('a long log is read to its end in bounded answers', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    let tail = start
    for (let batch = 1; batch <= 4; batch++) {
      equal(await done((reply) => client.slots.append(1, own, batchBehind(tail, `b${batch}`, 500), reply)), 'written')
      tail = tailOf(500 * batch, `b${batch}`)
    }
    let next = 1
    while (next <= 2_000) {
      const entries = await read(client, next, 2_000)
      ok(entries.length > 0, 'a read gets on')
      for (const { entry } of entries) equal(entry.index, next++)
    }
    deepEqual(await read(client, 2_001, 3_000), [])
  })
}

function snapshots(check: Check): void {
  check('a snapshot counts from its installation, and the one before it until then', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    const write = (place: 'a' | 'b', number: number, bytes: Uint8Array): Promise<string> =>
      done((reply) => client.slots.writeChunk(1, own, { place, index: logIndex(place === 'a' ? 5 : 7), number, bytes }, reply))
    await done((reply) => client.slots.append(1, own, batchBehind(start, 'x', 9), reply))
    for (const number of [0, 1]) equal(await write('a', number, Uint8Array.of(1, number, 255)), 'written')
    for (const unlike of [snapshotAt(5, 3), snapshotAt(5, 1), snapshotAt(6, 2), snapshotAt(5, 2, 'b')]) {
      equal(await done((reply) => client.slots.install(1, own, unlike, reply)), 'incomplete')
    }
    equal((await recordOf(client)).snapshot, null)
    equal(await done((reply) => client.slots.install(1, own, snapshotAt(5, 2), reply)), 'written')
    deepEqual((await recordOf(client)).snapshot, snapshotAt(5, 2))
    equal(await write('b', 0, Uint8Array.of(7)), 'written')
    equal(await write('b', 1, Uint8Array.of(8)), 'written')
    equal(await write('b', 0, Uint8Array.of(9)), 'written')
    deepEqual(await done<Uint8Array | Damaged>((reply) => client.slots.readChunk(1, 'a', 1, reply)), Uint8Array.of(1, 1, 255))
    equal(await done((reply) => client.slots.install(1, own, snapshotAt(7, 1, 'b'), reply)), 'written')
    deepEqual(await done<Uint8Array | Damaged>((reply) => client.slots.readChunk(1, 'b', 0, reply)), Uint8Array.of(9))
    for (const [place, chunk] of [
      ['a', 0],
      ['b', 1],
    ] as const) {
      const gone = await done<Uint8Array | Damaged>((reply) => client.slots.readChunk(1, place, chunk, reply))
      ok('type' in gone, 'chunks of what does not count are gone')
    }
  })

  check('a trim drops entries and keeps others readable', async (_redis, connect) => {
    const client = await connect('a')
    const own = await owned(client)
    await done((reply) => client.slots.append(1, own, batchBehind(start, 'x', 9), reply))
    const trim = (drop: number[], keep: number[], trimmed: number): Promise<string> =>
      done((reply) => client.slots.trim(1, own, { drop: drop.map(logIndex), keep: keep.map(logIndex), trimmed: logIndex(trimmed) }, reply))
    equal(await trim([1, 3], [2, 4], 4), 'written')
    equal(await trim([2], [], 4), 'written')
    deepEqual(await done((reply) => client.slots.readKept(1, logIndex(0), reply)), [4])
    deepEqual(await done((reply) => client.slots.readKept(1, logIndex(4), reply)), [])
    const found: number[] = []
    for (let index = 1; index <= 9; index++) {
      const entry = await done((reply) => client.slots.readEntry(1, logIndex(index), reply))
      if (entry !== null) found.push(index)
    }
    deepEqual(found, [4, 5, 6, 7, 8, 9])
    equal((await recordOf(client)).trimmed, 4)
  })
}
