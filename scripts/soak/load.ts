import { serveLoad } from '#bench/contest/load-server.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import { Generator } from './generator.ts'
import type { Measured } from './generator.ts'
import { operationOf } from './kinds.ts'
import type { Urls, Way } from './kinds.ts'
import { Pace } from './pace.ts'
import type { Paced } from './pace.ts'

/** What a load process is asked for: as much as so many at a time come to, or so much in a second, whatever becomes of it, and what became of it. */
export type Order =
  | { readonly do: 'measure'; readonly atOnce: number; readonly forMs: number }
  | { readonly do: 'pace'; readonly perSecond: number; readonly forMs: number }
  | { readonly do: 'settle' }

export type Report = Measured | Paced

/**
 * Load of one kind, from a process of its own.
 *
 *     node load.ts SERVICE WAY URLS
 */
const [service, way, urls = ''] = process.argv.slice(2)

const owner = new AsyncDisposableStack()
const operation = operationOf(service as Service, way as Way, { urls: JSON.parse(urls) as Urls, owner, handles: true })
const generator = operation.then((one) => new Generator(one))
const pace = generator.then((one) => new Pace(one))

serveLoad(async (order: Order): Promise<Report> => {
  switch (order.do) {
    case 'measure':
      return (await generator).measure(order.atOnce, order.forMs)
    case 'pace':
      return (await pace).hold(order.perSecond, order.forMs)
    case 'settle':
      return (await pace).settled()
  }
})
