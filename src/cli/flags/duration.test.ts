import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration, roughDuration } from './duration.ts'

test('a length of time is a number with its unit', () => {
  const good = { '500ms': 500, '10s': 10_000, '1m': 60_000, '1.5m': 90_000, '2h': 7_200_000, '0': 0, '0.25s': 250, '1.0005s': 1_001 }
  for (const [text, ms] of Object.entries(good)) equal(parseDuration(text), ms, text)
  for (const text of ['', '10', 's', '-1s', '1 s', '1S', '1d', '.5s', '1s1s', '1e3s', 'Infinity', '99999999999999s']) {
    equal(parseDuration(text), null, text)
  }
})

test('what is formatted reads as the same', () => {
  for (const ms of [0, 1, 999, 1_000, 1_500, 60_000, 90_000, 3_600_000, 5_400_000]) equal(parseDuration(formatDuration(ms)), ms)
  equal(formatDuration(90_000), '90s')
  equal(formatDuration(3_600_000), '1h')
})

test('what is left is told roughly', () => {
  const told = [-5, 499, 1_499, 119_000, 121_000, 7_199_000, 7_300_000].map(roughDuration)
  equal(told.join(), '0 ms,499 ms,1 s,119 s,2 min,120 min,2 h')
})
