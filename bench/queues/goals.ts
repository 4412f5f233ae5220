import type { Goal } from '#bench/contest/goals.ts'
import type { Measured } from './drive.ts'
import { rowNames } from './rows.ts'
import type { Workload } from './workloads.ts'

const perSecond = (atLeast: number): Goal<Measured> => ({
  row: rowNames.library,
  atLeast,
  unit: 'messages/s',
  medianOf: (summary) => summary.perSecond.median,
})
const times = (wanted: number, other: string): Goal<Measured> => ({ row: rowNames.library, times: wanted, other })

/** By the name of a workload. Of the same durability is RabbitMQ alone, so that is to be ahead of in everything. */
const goals: Readonly<Record<string, readonly Goal<Measured>[]>> = {
  'produce-1': [times(1.5, rowNames.rabbitmq)],
  produce: [perSecond(40_000), times(2, rowNames.rabbitmq), times(3, rowNames.jetstream)],
  consume: [times(1, rowNames.rabbitmq)],
  both: [times(1, rowNames.rabbitmq)],
  'produce-batches': [perSecond(200_000), times(1, rowNames.rabbitmq)],
  'consume-batches': [perSecond(100_000), times(1, rowNames.rabbitmq)],
  'both-batches': [perSecond(60_000), times(1, rowNames.rabbitmq)],
}

export const goalsOf = ({ name }: Pick<Workload, 'name'>): readonly Goal<Measured>[] => goals[name] ?? []
