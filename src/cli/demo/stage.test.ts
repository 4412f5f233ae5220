import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { commonRoutes } from '#api/common/routes.ts'
import { FakeNode, fault, json } from '#cli/service/testkit.ts'
import { Stage } from './stage.ts'

function seen(signal = new AbortController().signal): { readonly stage: Stage; readonly printed: string[] } {
  const printed: string[] = []
  const screen = {
    isTerminal: false,
    width: Infinity,
    print: (text: string) => void printed.push(text),
    paint: (_: unknown, text: string) => text,
  }
  return {
    stage: new Stage({ screen, next: async () => {}, signal, timeoutMs: 5_000, access: { token: null, trust: {}, curlFlags: '' } }),
    printed,
  }
}

test('a call is shown with its answer, and what it has come to is counted', async () => {
  await using node = await FakeNode.of(json(200, { status: 'ready' }))
  const { stage, printed } = seen()
  await stage.part('1', async () => {
    const body = await stage.answered({ id: 'a', url: node.url }, commonRoutes.ready, {})
    stage.check('it is ready', body.status === 'ready')
    stage.check('it is not', body.status !== 'ready')
  })
  match(printed.join(''), /\$ curl http:\/\/127\.0\.0\.1:\d+\/readyz\n {2}200 \{"status":"ready"\}\n {2}✓ it is ready\n {2}✗ it is not\n/)
  deepEqual([stage.passed, stage.failures], [1, ['it is not']])
})

test('a part that cannot go on has failed, and the next one is played', async () => {
  await using node = await FakeNode.of(fault(409, 'deadlock'))
  const { stage } = seen()
  await stage.part('1', async () => {
    await stage.answered({ id: 'a', url: node.url }, commonRoutes.ready, {})
    stage.check('never', true)
  })
  await stage.part('2', async () => stage.check('the next', true))
  deepEqual([stage.passed, stage.failures], [1, ['a answers GET /readyz (deadlock: why)']])
})

test('what does not come about in time is a failure', async () => {
  const { stage } = seen()
  let looks = 0
  await stage.part('1', async () => {
    equal(await stage.until('it comes', async () => (++looks < 3 ? null : looks)), 3)
    await stage.until('it never comes', async () => null, 0)
  })
  deepEqual([stage.passed, stage.failures], [1, ['it never comes (not within 0 ms)']])
})

test('an interrupt ends it, and is no failure', async () => {
  const interrupt = new AbortController()
  const { stage } = seen(interrupt.signal)
  interrupt.abort(new Error('interrupted'))
  await rejects(
    stage.part('1', () => stage.step('more')),
    /interrupted/,
  )
  deepEqual(stage.failures, [])
})
