import { test } from 'node:test'
import { refusesFrames, refusesRequests, refusesStrangers } from './real-node.ts'

const timeout = 280_000

test('a queue node refuses ten thousand wrong requests clearly, and nothing of them is left', { timeout }, (t) =>
  refusesRequests(t, 'queue', 10_000),
)

test('a queue node ends ten thousand broken connections of each kind, and nothing of them is left', { timeout }, (t) =>
  refusesFrames(t, 'queue', 10_000),
)

test('a queue node refuses ten thousand calls of strangers, and nothing of them is left', { timeout }, (t) =>
  refusesStrangers(t, 'queue', 10_000),
)
