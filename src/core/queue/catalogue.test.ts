import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '#base/prng.ts'
import { crc32 } from '#base/codec/checksum.ts'
import { Catalogue } from './catalogue.ts'
import { decodeCatalogueAnswer, decodeCatalogueCommand, encodeCatalogueAnswer, encodeCatalogueCommand } from './catalogue-codec.ts'
import type { CatalogueAnswer, CatalogueCommand } from './catalogue-types.ts'
import { defaultSettings } from './limits.ts'
import { concat } from './testkit.ts'
import type { QueueSettings } from './types.ts'
import { generation, queueName } from './types.ts'

/** Spoken to in bytes; what it answers survives its encoding. */
class TestCatalogue {
  catalogue: Catalogue

  constructor(queuesMax = 100) {
    this.catalogue = new Catalogue({ queuesMax, slotsMax: 8 })
  }

  do(command: CatalogueCommand): CatalogueAnswer {
    deepEqual(decodeCatalogueCommand(encodeCatalogueCommand(command)), { ok: true, value: command })
    const answer = this.catalogue.apply(encodeCatalogueCommand(command))
    deepEqual(decodeCatalogueAnswer(encodeCatalogueAnswer(answer)), { ok: true, value: answer })
    return answer
  }

  /** In a few words. */
  try(command: CatalogueCommand): string {
    const answer = this.do(command)
    if (answer.type === 'queue')
      return `${answer.created ? 'created' : 'known'} ${answer.definition.generation}.${answer.definition.revision}`
    if (answer.type === 'deleting') return `deleting ${answer.generation} in ${answer.pending.join(',')}`
    if (answer.type === 'noted') return answer.type
    if (answer.type === 'gone') return `gone ${answer.generation}`
    return answer.detail === '' ? answer.code : `${answer.code} ${answer.detail}`
  }

  ensure(name: string): string {
    return this.try({ type: 'ensure', name: queueName(name) })
  }

  put(name: string, settings: Partial<QueueSettings> = {}, more: { partitions?: number; expectedRevision?: number } = {}): string {
    const { partitions = null, expectedRevision = null } = more
    return this.try({ type: 'put', name: queueName(name), partitions, settings: { ...defaultSettings, ...settings }, expectedRevision })
  }

  delete(name: string, ...slots: number[]): string {
    return this.deleteOf(this.catalogue.find(queueName(name))?.definition.generation ?? null, name, ...slots)
  }

  deleteOf(number: number | null, name: string, ...slots: number[]): string {
    return this.try({ type: 'delete', name: queueName(name), generation: number === null ? null : generation(number), slots })
  }

  reached(name: string, revision: number): string {
    return this.try({ type: 'reached', name: queueName(name), revision })
  }

  /** What slots may have to be told. */
  get changed(): readonly string[] {
    return [...this.catalogue.changed()].map(({ definition: { name, revision } }) => `${name} ${revision}`)
  }

  applied(number: number, ...slots: number[]): string {
    return this.try({ type: 'applied', generation: generation(number), slots })
  }

  snapshot(): Uint8Array {
    return concat([...this.catalogue.snapshot()])
  }
}

test('decision Q9: two first messages create one queue, of one generation', () => {
  const queues = new TestCatalogue()
  equal(queues.ensure('orders'), 'created 1.1')
  equal(queues.ensure('orders'), 'known 1.1')
  equal(queues.put('orders', { maxFailures: 3 }), 'known 1.2')
  equal(queues.ensure('orders'), 'known 1.2', 'and does not undo what was set')
  deepEqual(queues.catalogue.find(queueName('orders'))?.definition.settings, { ...defaultSettings, maxFailures: 3 })
})

test('decision Q9: a deletion is over when every slot has carried it out, and until then the name is taken', () => {
  const queues = new TestCatalogue()
  queues.ensure('orders')
  equal(queues.delete('orders', 3, 1, 3), 'deleting 1 in 1,3')
  equal(queues.catalogue.find(queueName('orders')), null, 'no slot is told of it any more')
  equal(queues.ensure('orders'), 'being_deleted')
  equal(queues.put('orders'), 'being_deleted')
  equal(queues.delete('orders', 1, 2, 3), 'deleting 1 in 1,3', 'asking again is the same deletion')
  equal(queues.applied(1, 3), 'deleting 1 in 1')
  deepEqual(
    [...queues.catalogue.deleting()].map(({ catalogueVersion, pending }) => [catalogueVersion, pending]),
    [[2, [1]]],
  )
  equal(queues.applied(1, 1), 'gone 1')
  equal(queues.applied(1, 1), 'gone 1')
  equal(queues.delete('orders', 1), 'unknown_queue')
  equal(queues.ensure('orders'), 'created 3.3', 'another generation')
})

test('decision Q9: a deletion is of the queue that it names, and of none that got the name since', () => {
  const queues = new TestCatalogue()
  queues.put('orders')
  equal(queues.delete('orders', 1), 'deleting 1 in 1')
  equal(queues.applied(1, 1), 'gone 1')
  equal(queues.put('orders', {}, { partitions: 2 }), 'created 3.3')
  equal(queues.deleteOf(1, 'orders', 1), 'stale_generation', 'it would leave the second slot out')
  equal(queues.deleteOf(null, 'orders'), 'stale_generation')
  equal(queues.catalogue.find(queueName('orders'))?.definition.partitions, 2)
  equal(queues.deleteOf(3, 'orders', 1, 2), 'deleting 3 in 1,2')
  equal(queues.deleteOf(null, 'orders'), 'deleting 3 in 1,2', 'that goes on already')
})

test('decision Q9: generations and versions only grow, also over a snapshot', () => {
  const queues = new TestCatalogue()
  queues.ensure('a')
  queues.delete('a', 1)
  queues.applied(1, 1)
  equal(queues.catalogue.restore(queues.snapshot()), null)
  equal(queues.catalogue.version, 2)
  equal(queues.ensure('a'), 'created 3.3')
})

test('decision Q8: partitions are those of the creation', () => {
  const queues = new TestCatalogue()
  equal(queues.put('orders', {}, { partitions: 4 }), 'created 1.1')
  equal(queues.put('orders', {}, { partitions: 8 }), 'partitions_fixed')
  equal(queues.put('orders', {}, { partitions: 4 }), 'known 1.2')
  equal(queues.put('orders'), 'known 1.3')
  equal(queues.catalogue.find(queueName('orders'))?.definition.partitions, 4)
  equal(queues.put('bad', {}, { partitions: 0 }), 'invalid partitions')
})

test('decision Q11: dead letters that would come back to their queue are refused, over any number of queues', () => {
  const queues = new TestCatalogue()
  const to = (name: string): Partial<QueueSettings> => ({ deadLetterQueue: queueName(name) })
  equal(queues.put('a', to('a')), 'dead_letter_cycle')
  equal(queues.put('a', to('b')), 'created 1.1')
  equal(queues.put('b', to('c')), 'created 2.2')
  equal(queues.put('c', to('a')), 'dead_letter_cycle')
  equal(queues.put('c', to('d')), 'created 3.3', 'a chain is fine')
  equal(queues.put('b', to('a')), 'dead_letter_cycle', 'also for one that is there')
  equal(queues.put('b'), 'known 2.4')
  equal(queues.put('c', to('a')), 'known 3.5', 'when the chain is broken')
})

test('a change that was made from older settings is refused when it says so', () => {
  const queues = new TestCatalogue()
  equal(queues.put('a', {}, { expectedRevision: 1 }), 'stale_revision')
  equal(queues.put('a', {}, { expectedRevision: 0 }), 'created 1.1')
  equal(queues.put('a', {}, { expectedRevision: 0 }), 'stale_revision')
  equal(queues.put('a', {}, { expectedRevision: 1 }), 'known 1.2')
  equal(queues.put('a', {}, { expectedRevision: 1 }), 'stale_revision')
})

test('settings that were changed are known to be on their way until all slots have them, also over a snapshot', () => {
  const queues = new TestCatalogue()
  queues.ensure('a')
  deepEqual(queues.changed, [], 'slots hear of a new queue when they are asked about it')
  queues.put('a')
  equal(queues.put('b'), 'created 3.3')
  equal(queues.put('b'), 'known 3.4')
  deepEqual(queues.changed, ['a 2', 'b 4'])
  const late = new TestCatalogue()
  equal(late.catalogue.restore(queues.snapshot()), null)
  deepEqual(late.changed, ['a 2', 'b 4'])
  equal(late.reached('a', 1), 'noted', 'of an older revision')
  equal(late.reached('b', 4), 'noted')
  equal(late.reached('c', 4), 'noted', 'of no queue')
  deepEqual(late.changed, ['a 2'])
  late.delete('a', 1)
  deepEqual(late.changed, [], 'a queue that is being deleted needs none')
})

test('scenario limits: names with `/`, `%`, unicode and 256 bytes are names; none, longer ones and control characters are not', () => {
  const queues = new TestCatalogue()
  for (const name of ['a/b', 'a%2Fb', '%', ' ', 'Ünïcödé 队列 🐇', 'x'.repeat(256), 'é'.repeat(128)])
    ok(queues.ensure(name).startsWith('created'), name)
  for (const name of ['', 'a\nb', '\u0000', '\u0085']) equal(queues.ensure(name), 'invalid name')
  for (const name of ['x'.repeat(257), 'é'.repeat(128) + 'x'])
    ok(queues.catalogue.apply(encodeCatalogueCommand({ type: 'ensure', name: queueName(name) })).type === 'refused')
})

test('scenario limits: a million names are refused politely from the limit on', () => {
  const queues = new TestCatalogue(3)
  for (const name of ['a', 'b', 'c']) queues.ensure(name)
  for (let at = 0; at < 1_000; at++) equal(queues.ensure(`more ${at}`), 'too_many_queues')
  equal(queues.ensure('a'), 'known 1.1')
  queues.delete('a', 1)
  equal(queues.ensure('d'), 'too_many_queues', 'what is being deleted counts')
  queues.applied(1, 1)
  ok(queues.ensure('d').startsWith('created'))
})

test('settings that make no sense are refused by name', () => {
  const queues = new TestCatalogue()
  const bad: Partial<QueueSettings>[] = [
    { visibilityMs: 0 },
    { maxLength: 0 },
    { ttlMs: 0 },
    { maxFailures: 1e9 },
    { deadLetterQueue: queueName('') },
  ]
  for (const settings of bad) equal(queues.put('a', settings), `invalid ${Object.keys(settings)[0]}`)
  equal(queues.put('a', { retry: { growth: 'fixed', delayMs: 0, maxMs: 0, jitterPercent: 101 } }), 'invalid jitterPercent')
  equal(queues.delete('a', 1), 'unknown_queue')
  queues.ensure('a')
  equal(queues.delete('a'), 'invalid slots')
})

test('queues are listed by name, from any on', () => {
  const queues = new TestCatalogue()
  for (const name of ['b/2', 'a', 'b/1', 'c']) queues.ensure(name)
  const list = (prefix: string, after: string | null): string =>
    [...queues.catalogue.list({ prefix, after })].map(({ name }) => name).join(' ')
  equal(list('', null), 'a b/1 b/2 c')
  equal(list('b/', null), 'b/1 b/2')
  equal(list('', 'b/1'), 'b/2 c')
  queues.delete('b/1', 1)
  equal(list('', null), 'a b/2 c')
})

test('in random runs replicas are equal byte for byte, also those that began with a snapshot, and there is never a cycle', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const prng = new Prng(seed)
    const [queues, late] = [new TestCatalogue(5), new TestCatalogue(5)]
    const name = (): string => prng.pick(['a', 'b', 'c', 'd', 'e', 'f'])
    for (let at = 0; at < 60; at++) {
      const before = queues.catalogue.version
      const deleted = name()
      const command = prng.pick<() => CatalogueCommand>([
        () => ({ type: 'ensure', name: queueName(name()) }),
        () => ({
          type: 'put',
          name: queueName(name()),
          partitions: null,
          settings: { ...defaultSettings, deadLetterQueue: prng.pick([null, queueName(name())]) },
          expectedRevision: null,
        }),
        () => ({
          type: 'delete',
          name: queueName(deleted),
          generation: prng.chance(0.1)
            ? generation(prng.between(1, at + 1))
            : (queues.catalogue.find(queueName(deleted))?.definition.generation ?? null),
          slots: [1, 2],
        }),
        () => ({ type: 'applied', generation: generation(prng.between(1, at + 1)), slots: [prng.pick([1, 2])] }),
        () => ({ type: 'reached', name: queueName(name()), revision: prng.between(1, at + 1) }),
      ])()
      const answer = queues.do(command)
      if (at > 30) deepEqual(late.do(command), answer)
      else if (at === 30) equal(late.catalogue.restore(queues.snapshot()), null)
      ok(queues.catalogue.version >= before)
      const targets = new Map(
        [...queues.catalogue.list({ prefix: '', after: null })].map(({ name: from, settings }) => [from, settings.deadLetterQueue]),
      )
      for (const start of targets.keys()) {
        let target = targets.get(start) ?? null
        for (let hops = 0; target !== null; hops++, target = targets.get(target) ?? null) ok(hops < 6, `seed ${seed}: a cycle`)
      }
    }
    deepEqual(late.snapshot(), queues.snapshot())
  }
})

test('any bytes at all are answered, and damaged snapshots are refused with a reason', () => {
  const queues = new TestCatalogue()
  queues.ensure('a')
  queues.ensure('b')
  queues.delete('b', 1, 2)
  const good = encodeCatalogueCommand({ type: 'delete', name: queueName('x'), generation: generation(1), slots: [1] })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => good.with(at, byte)),
      ),
      (bytes) => {
        equal(typeof queues.catalogue.apply(bytes).type, 'string')
        equal(typeof decodeCatalogueAnswer(bytes).ok, 'boolean')
      },
    ),
    { numRuns: 2_000 },
  )
  const bytes = queues.snapshot()
  for (let length = 0; length < bytes.length; length++) notEqual(new Catalogue().restore(bytes.subarray(0, length)), null)
  const prng = new Prng(1)
  for (let round = 0; round < 3_000; round++) {
    const damaged = bytes.with(prng.between(0, bytes.length - 5), prng.between(0, 255))
    if (damaged.every((byte, at) => byte === bytes[at])) continue
    notEqual(new Catalogue().restore(damaged), null)
    new DataView(damaged.buffer).setUint32(damaged.length - 4, crc32(damaged.subarray(0, -4)))
    new Catalogue().restore(damaged)
  }
})
