import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { LoneAgent } from './lone-agent.ts'

test('an agent without a link owns all its lines, and has what it wrote flushed when that is answered', () => {
  const keys = ['a', 'b', 'c']
  const lone = new LoneAgent(keys, (at) => `value ${at}`)
  const { cache } = lone
  deepEqual(
    keys.map((key) => [cache.getSync(key), cache.peek(key)?.state]),
    [
      ['value 0', 'E'],
      ['value 1', 'E'],
      ['value 2', 'E'],
    ],
  )
  for (const round of [1, 2]) {
    for (const key of ['c', 'a']) ok(cache.setSync(key, `${key}${round}`))
    ok(cache.setSync('c', `c${round}, later`))
    equal(cache.statistics().owed, 2)
    const answers = lone.flush()
    equal(answers.length, 2)
    for (const answer of answers) lone.hear(answer)
    equal(cache.statistics().owed, 0)
    deepEqual([cache.getSync('a'), cache.getSync('c')], [`a${round}`, `c${round}, later`])
    lone.renew()
  }
  deepEqual(lone.flush(), [])
})
