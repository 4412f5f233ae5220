import { test } from 'node:test'
import { refusesFrames, refusesRequests, refusesStrangers } from './real-node.ts'

const timeout = 280_000

test('a lock node refuses ten thousand wrong requests clearly, and nothing of them is left', { timeout }, (t) =>
  refusesRequests(t, 'lock', 10_000),
)

test('a lock node ends ten thousand broken connections of each kind, and nothing of them is left', { timeout }, (t) =>
  refusesFrames(t, 'lock', 10_000),
)

test('a lock node refuses ten thousand calls of strangers, and nothing of them is left', { timeout }, (t) =>
  refusesStrangers(t, 'lock', 10_000),
)
