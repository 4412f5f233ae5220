import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { takesPart } from './rows.ts'
import { workloads } from './workloads.ts'

const takenBy = (kind: Parameters<typeof takesPart>[0]['kind']): readonly string[] =>
  workloads.filter((workload) => takesPart({ kind }, workload)).map(({ name }) => name)

test('ours and RabbitMQ are measured in everything, others where they differ from another row', () => {
  const all = workloads.map(({ name }) => name)
  for (const kind of ['http', 'sdk', 'rabbitmq', 'jetstream'] as const) deepEqual(takenBy(kind), all)
  deepEqual(takenBy('jetstream-confirmed'), ['consume', 'both', 'consume-batches', 'both-batches'])
  deepEqual(takenBy('bullmq'), ['produce-1', 'produce', 'consume', 'both', 'produce-batches', 'both-batches'])
})
