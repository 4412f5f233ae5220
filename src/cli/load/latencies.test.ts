import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Latencies } from './latencies.ts'

test('percentiles are those of all samples, within five percent', () => {
  const latencies = new Latencies()
  const samples = Array.from({ length: 10_000 }, (_, at) => ((at * 7_919) % 10_000) / 10 + 0.1)
  for (const ms of samples) latencies.add(ms)
  equal(latencies.count, samples.length)
  for (const share of [0.01, 0.5, 0.99]) {
    const exact = share * 1_000
    const told = latencies.percentileMs(share)
    ok(Math.abs(told - exact) < exact * 0.05 + 0.1, `${share}: ${told} for ${exact}`)
  }
  equal(latencies.maxMs, 1_000)
  ok(latencies.percentileMs(1) <= 1_000)
})

test('many operations at once count each, and none is no time at all', () => {
  const latencies = new Latencies()
  equal(latencies.percentileMs(0.5), 0)
  latencies.add(1, 99)
  latencies.add(100)
  equal(latencies.count, 100)
  ok(latencies.percentileMs(0.5) <= 1)
  ok(latencies.percentileMs(1) > 95)
  equal(latencies.maxMs, 100)
})
