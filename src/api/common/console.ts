import { anyToken } from '#api/access/access.ts'
import { Type } from '#api/type.ts'
import { json, plain, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { closed, listOf, nullable, oneOf, text } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { nodeId } from './words.ts'

/** The page for people that every node serves. */

const tag = 'Console'

const consoleConfig = closed(
  {
    service: oneOf(['lock', 'queue', 'cache']),
    node_id: nodeId,
    version: Type.String({ description: 'Of this software.' }),
    nodes: listOf(Type.String({ examples: ['127.0.0.1:8001'] }), {
      maxItems: 1_024,
      description: 'Host and port of the nodes that the page asks: those of `--console-peers`, or the members of this cluster.',
    }),
    control: nullable(
      closed(
        { url: Type.String(), token: Type.String() },
        { title: 'ConsoleControl', description: 'Where a node can be killed that `lockstep up` runs; null for others.' },
      ),
    ),
  },
  { title: 'ConsoleConfig' },
)
export type ConsoleConfig = Data<typeof consoleConfig>
export type ConsoleControl = NonNullable<ConsoleConfig['control']>

export const consoleRoutes = {
  console: route({
    id: 'console',
    method: 'GET',
    path: '/console',
    tag,
    summary: 'All three services as a page to look at',
    access: anyToken,
    answers: [plain(200, 'A page that asks only nodes.', 'text/html')],
  }),
  config: route({
    id: 'consoleConfig',
    method: 'GET',
    path: '/console/config',
    tag,
    summary: 'What that page has to know',
    access: anyToken,
    answers: [json(200, 'Whom it asks.', consoleConfig)],
    errors: ['unavailable'],
  }),
  file: route({
    id: 'consoleFile',
    method: 'GET',
    path: '/console/files/{build}/{file}',
    tag,
    summary: 'What that page is made of',
    description: 'May be kept for ever: what differs has another `build`.',
    access: anyToken,
    params: closed({ build: text(64), file: text(128) }),
    answers: [
      {
        status: 200,
        description: 'A script, a style or a picture.',
        content: { 'text/javascript': Type.String(), 'text/css': Type.String(), 'image/svg+xml': Type.String() },
      },
    ],
    errors: ['not_found'],
  }),
} as const satisfies Readonly<Record<string, Route>>
