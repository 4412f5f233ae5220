import { unavailable } from '#api/common/faults.ts'
import { consoleRoutes as routes } from '#api/common/console.ts'
import type { ConsoleControl } from '#api/common/console.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { faultOf } from '#api/errors.ts'
import { err, ok } from '#base/result.ts'
import type { BoundRoute } from '#http/bound-route.ts'
import { bindCall } from '#http/bound-route.ts'
import { sendFault } from '#http/faults.ts'
import type { ConsoleFiles } from './files.ts'
import { consoleFiles, typeOf } from './files.ts'
import { consolePage, pageHeaders } from './page.ts'

/** How the console of a node is set. */
export interface ConsoleOptions {
  /** `host:port` of this node, as others reach it. */
  readonly own: string
  /** Of the nodes that it shows, as a browser reaches them; none: the members of the cluster. */
  readonly peers: readonly string[]
  /** The node listens on its own machine only. */
  readonly isLocal: boolean
  readonly control: ConsoleControl | null
}

/** `host:port` of the nodes that the console shows, and whose consoles may show this one. */
export function consoleNodes(node: NodeApi | null, { own, peers }: ConsoleOptions): readonly string[] {
  const shown = peers.length > 0 ? peers : (node?.cluster().members ?? []).map(({ address }) => address)
  return [...new Set(own === '' ? shown : [own, ...shown])]
}

export function consoleCalls(node: () => NodeApi | null, options: ConsoleOptions): readonly BoundRoute[] {
  let made: { readonly content: ConsoleFiles; readonly page: string } | null = null
  // Most nodes are never asked for it.
  const console = (): NonNullable<typeof made> => {
    if (made !== null) return made
    const content = consoleFiles()
    return (made = { content, page: consolePage(content) })
  }
  return [
    {
      route: routes.console,
      serve(request, reply) {
        const origins = consoleNodes(node(), options).map((address) => `${request.protocol}://${address}`)
        const control = options.control === null ? [] : [options.control.url]
        return reply
          .type('text/html; charset=utf-8')
          .headers(pageHeaders([...origins, ...control]))
          .send(console().page)
      },
    },
    bindCall(routes.config, () => {
      const api = node()
      if (api === null) return Promise.resolve(err(unavailable('this node is starting')))
      const { service, node_id, version } = api.describe()
      return Promise.resolve(ok({ service, node_id, version, nodes: consoleNodes(api, options), control: options.control }))
    }),
    {
      route: routes.file,
      serve(request, reply) {
        const { build, file } = request.params as { readonly build: string; readonly file: string }
        const { content } = console()
        const body = build === content.build ? content.files.get(file) : undefined
        if (body === undefined) return sendFault(reply, faultOf('not_found', 'no such file of the console: load the page again', {}))
        return reply
          .type(typeOf(file))
          .headers({ 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' })
          .send(body)
      },
    },
  ]
}
