import { cacheRoutes as routes } from '#api/cache/routes.ts'
import type { CacheStatus } from '#api/cache/status.ts'
import { jsonOf } from '#cli/flags/json-value.ts'
import { linesGrid } from '#cli/output/cache-views.ts'
import type { NodeLines } from '#cli/output/cache-views.ts'
import type { DemoNode, Setting, Three } from './setting.ts'
import type { Stage } from './stage.ts'

/** One key, and the state of its line at all three nodes after each step. */
export async function cachePart(stage: Stage, { cache: nodes, tag }: Setting): Promise<void> {
  const [first, second, third] = nodes
  const key = `user_123-${tag}`
  const states = (expected: string): Promise<void> => statesAre(stage, nodes, { key, expected })

  await stage.step(`${first.id} writes: it has the only copy, modified`)
  const written = await stage.answered(first, routes.write, { key, value: jsonOf('{"name":"Alice","score":95}', false) })
  stage.check('its line is M', written.state === 'M')
  await states('M I I')

  await stage.step(`${second.id} reads: both share the line`)
  const shared = await stage.answered(second, routes.read, { key })
  stage.check('the same value, fetched', !shared.hit && scoreOf(shared.value) === 95)
  await states('S S I')
  const hit = await stage.answered(second, routes.read, { key })
  stage.check('read again it is a hit: nobody is asked', hit.hit && scoreOf(hit.value) === 95)

  await stage.step(`${second.id} writes: the copy of ${first.id} is invalidated before the answer`)
  const over = await stage.answered(second, routes.write, { key, value: jsonOf('{"name":"Alice","score":100}', false) })
  stage.check('one copy was invalidated', over.invalidated === 1)
  await states('I M I')

  await stage.step('all read')
  for (const node of [first, third]) {
    const { value, state } = await stage.answered(node, routes.read, { key })
    stage.check(`${node.id} has the new value`, scoreOf(value) === 100 && state === 'S')
  }
  await states('S S S')

  await stage.step(`${third.id} removes it`)
  await stage.answered(third, routes.delete, { key })
  const gone = await stage.answered(first, routes.read, { key })
  stage.check(`${first.id} finds nothing`, !gone.found)
}

const scoreOf = (value: unknown): unknown => (typeof value === 'object' && value !== null && 'score' in value ? value.score : null)

interface Expected {
  readonly key: string
  /** One letter for each node. */
  readonly expected: string
}

async function statesAre(stage: Stage, nodes: Three, { key, expected }: Expected): Promise<void> {
  const all = await Promise.all(nodes.map((node) => linesAt(stage, node, key)))
  const table = linesGrid([key], all, stage.paper)
  stage.print(table.replaceAll(/^(?=.)/gm, '  '))
  const seen = all.map(({ lines: [line] }) => (line?.usable === true ? line.state : 'I')).join(' ')
  stage.check(`the three nodes say ${expected}`, seen === expected)
}

async function linesAt(stage: Stage, node: DemoNode, key: string): Promise<NodeLines> {
  const reply = await stage.quietly(node, routes.status, { prefix: key, limit: 1 })
  if (reply.type === 'answered') return { name: node.id, problem: null, lines: (reply.body satisfies CacheStatus).lines }
  return { name: node.id, problem: reply.type === 'silent' ? reply.problem : reply.refusal.message, lines: [] }
}
