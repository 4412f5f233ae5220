import { cacheApiLimits } from '#api/cache/limits.ts'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import type { CacheStatus } from '#api/cache/status.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { linesGrid } from '#cli/output/cache-views.ts'
import type { NodeLines } from '#cli/output/cache-views.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { membersOf } from './members.ts'
import type { Member } from './members.ts'

interface Looking {
  readonly prefix: string | undefined
  readonly after: string | undefined
  readonly limit: number | undefined
  readonly node: string | undefined
  readonly json: boolean
}

/** Which node has which key, and in which state. */
export async function lines(client: ServiceClient, { limit = 100, node, json, ...filter }: Looking): Promise<number> {
  const members = await membersOf(client, node)
  const pages: GridPage[] = []
  let next = filter.after ?? null
  let left = limit
  do {
    const page = await pageOf(client, members, { prefix: filter.prefix, after: next, limit: Math.min(left, cacheApiLimits.pageMax) })
    pages.push(page)
    next = page.next
    left -= page.keys.length
  } while (next !== null && left > 0)
  show(pages, next, json)
  for (const { name, problem } of pages[0]?.nodes ?? []) if (problem !== null) errorScreen.print(`${name} does not answer: ${problem}\n`)
  return pages[0]?.nodes.every(({ problem }) => problem !== null) === true ? exitCodes.unavailable : exitCodes.done
}

interface GridPage {
  readonly keys: readonly string[]
  readonly nodes: readonly NodeLines[]
  readonly next: string | null
}

interface Filter {
  readonly prefix: string | undefined
  readonly after: string | null
  readonly limit: number
}

/** Each node tells its first lines, so the first of all of them are among these. */
async function pageOf(client: ServiceClient, members: readonly Member[], { prefix, after, limit }: Filter): Promise<GridPage> {
  const query = { limit, ...(prefix === undefined ? {} : { prefix }), ...(after === null ? {} : { after }) }
  const nodes = await Promise.all(
    members.map(async ({ name, url }): Promise<NodeLines & { readonly more: boolean }> => {
      const answer = await client.ask(url, routes.status, query, client.timeoutMs)
      if (answer.type !== 'answered')
        return { name, problem: answer.type === 'silent' ? answer.problem : 'it is not ready', lines: [], more: false }
      const { lines: found, next } = answer.body as CacheStatus
      return { name, problem: null, lines: found, more: next !== null }
    }),
  )
  const all = [...new Set(nodes.flatMap((each) => each.lines.map(({ key }) => key)))].sort((left, right) => (left < right ? -1 : 1))
  const keys = all.slice(0, limit)
  const isLast = all.length <= limit && nodes.every(({ more }) => !more)
  return { keys, nodes, next: isLast ? null : (keys.at(-1) ?? null) }
}

function show(pages: readonly GridPage[], next: string | null, json: boolean): void {
  const keys = pages.flatMap((page) => page.keys)
  const nodes = (pages[0]?.nodes ?? []).map(({ name, problem }, at) => ({
    name,
    problem,
    lines: pages.flatMap((page) => page.nodes[at]?.lines ?? []),
  }))
  if (json) {
    printJson({
      keys: keys.map((key) => ({
        key,
        nodes: Object.fromEntries(nodes.map((each) => [each.name, each.lines.find((line) => line.key === key) ?? null])),
      })),
      next,
    })
    return
  }
  if (screen.isTerminal && keys.length === 0) screen.print('no lines\n')
  else screen.print(linesGrid(keys, nodes, screen))
  if (next !== null) errorScreen.print(`more follow: lockstep cache lines --after ${JSON.stringify(next)}, or a larger --limit\n`)
}
