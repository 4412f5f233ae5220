import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { errorBodyOf } from '#api/errors.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import type { DeadlocksView } from '#api/locks/views.ts'
import type { DeadlockMode, LockMode } from '#core/lock/types.ts'
import { LockstepError } from '#sdk/errors.ts'
import { LockWorld, TestCall } from '#test/harness/lock-world.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'

/** The examples of docs/deadlocks.md are so: what is asked, what is answered, and what the pictures show. */
const page = readFileSync(new URL('../../../docs/deadlocks.md', import.meta.url), 'utf8')

interface Block {
  readonly language: string
  readonly lines: readonly string[]
  /** Above it. */
  readonly heading: string
}

function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: { readonly language: string; readonly lines: string[] } | null = null
  for (const line of text.split('\n')) {
    const [, fence] = /^```(\w*)$/.exec(line) ?? []
    if (fence !== undefined && open !== null) {
      blocks.push({ ...open, heading })
      open = null
    } else if (fence !== undefined) open = { language: fence, lines: [] }
    else if (open !== null) open.lines.push(line)
    else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
  }
  return blocks
}

type Link = DeadlocksView['graph'][number]

interface Played {
  readonly outcomes: readonly string[]
  readonly last: Awaited<ReturnType<LockApi['acquire']>>
  readonly deadlocks: DeadlocksView
}

/** Each line one request, after the policy if there is one. */
async function play(lines: readonly string[]): Promise<Played> {
  const { policy } = /^--deadlock-policy (?<policy>.*)$/.exec(lines[0] ?? '')?.groups ?? {}
  const world = await LockWorld.start(policy === undefined ? {} : { policyOf: () => policy as DeadlockMode })
  const { locks } = (await world.leader()).server
  const outcomes: string[] = policy === undefined ? [] : [lines[0] as string]
  let last: Played['last'] | null = null
  for (const line of lines.slice(outcomes.length)) {
    const [client = '', mode, resource = ''] = line.split(/ +/)
    const request = { client_id: client, lock_type: mode as LockMode, resource_id: resource }
    last = await world.answer(locks.acquire(request, new TestCall()))
    outcomes.push(`${line.slice(0, line.lastIndexOf(' '))} ${last.ok ? last.value.status : last.error.code}`)
  }
  const deadlocks = await world.answer(locks.deadlocks({}, new TestCall()))
  ok(deadlocks.ok)
  return { outcomes, last: present(last, 'something is asked'), deadlocks: deadlocks.value }
}

function waitsOf({ last }: Played): readonly Link[] {
  ok(!last.ok && last.error.code === 'deadlock')
  return last.error.details.waits
}

/** A dotted arrow leads to somebody who waits in front. */
function arrowsOf(lines: readonly string[]): readonly Link[] {
  return lines.flatMap((line) => {
    const [, from = '', arrow, resource = '', to = ''] = /^ +(\w+) (-->|-\.->)\|(\w+)\| (\w+)$/.exec(line) ?? []
    return arrow === undefined
      ? []
      : [{ client_id: from, waits_for: to, resource_id: resource, behind: arrow === '-->' ? ('holder' as const) : ('waiter' as const) }]
  })
}

const blocks = blocksOf(page)
const of = (language: string): readonly Block[] => blocks.filter((block) => block.language === language)

for (const { heading, lines } of of('text'))
  test(`the page on deadlocks says what is answered: ${heading}${lines[0]?.startsWith('--') === true ? `, ${lines[0]}` : ''}`, async () => {
    const played = await play(lines)
    deepEqual(played.outcomes, lines)
    for (const picture of of('mermaid').filter((block) => block.heading === heading)) deepEqual(arrowsOf(picture.lines), waitsOf(played))
  })

test('the page on deadlocks has an example for each policy that chooses otherwise, and a picture for each circle', () => {
  deepEqual([of('text').length, of('mermaid').length, of('json').length], [8, 4, 2])
})

test('the page on deadlocks shows an answer and the graph as they are', async () => {
  const [answer, graph] = of('json').map(({ lines }) => JSON.parse(lines.join('\n')) as Record<string, unknown>)
  const { last, deadlocks } = await play(of('text')[0]?.lines ?? [])
  ok(!last.ok)
  deepEqual(errorBodyOf(last.error, { repeatable: true }), answer)
  const { node_id: _node, role: _role, leader: _leader, term: _term, ...view } = deadlocks
  const [first] = present(graph, 'the page has the graph')['recent'] as DeadlocksView['recent']
  deepEqual({ ...view, recent: view.recent.map((record) => ({ ...record, at: first?.at })) }, graph)
})

test('who leaves both blocks and begins again, as the page on deadlocks says, gets through', async () => {
  const world = new SdkWorld()
  let refused = 0
  const transfers = async (name: string, from: string, to: string): Promise<number> => {
    const { sdk } = await world.client(name)
    const done: number[] = []
    while (done.length < 20) {
      try {
        await sdk.withLock(from, () => sdk.withLock(to, () => done.push(1)))
      } catch (error) {
        if (!(error instanceof LockstepError && error.code === 'deadlock')) throw error
        refused++
      }
    }
    return done.length
  }
  const both = Promise.all([transfers('a', 'left', 'right'), transfers('b', 'right', 'left')])
  deepEqual(await world.answer(both), [20, 20])
  ok(refused > 0, 'they met')
  equal(world.at('left'), '|')
})
