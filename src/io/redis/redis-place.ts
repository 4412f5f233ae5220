import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'

/** Where Redis is, and how to be let in. */
export interface RedisPlace {
  readonly kind: 'standalone' | 'sentinel' | 'cluster'
  /** Of the server, of the Sentinels, or of some nodes of the cluster. */
  readonly endpoints: readonly Endpoint[]
  /** What Sentinel calls the master; null elsewhere. */
  readonly masterName: string | null
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly tls: boolean
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

const kinds: Readonly<Record<string, Pick<RedisPlace, 'kind' | 'tls'>>> = {
  redis: { kind: 'standalone', tls: false },
  rediss: { kind: 'standalone', tls: true },
  'redis+sentinel': { kind: 'sentinel', tls: false },
  'rediss+sentinel': { kind: 'sentinel', tls: true },
  'redis+cluster': { kind: 'cluster', tls: false },
  'rediss+cluster': { kind: 'cluster', tls: true },
}

const shape = /^(?<scheme>[a-z+]+):\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/]+)(?:\/(?<path>[^?#]*))?$/

/**
 * Reads `redis://[user:password@]host[:port][/database]`, `redis+sentinel://host,host/master-name[/database]` and
 * `redis+cluster://host,host`; with `rediss` instead of `redis` over TLS. What is wrong is said for people, without the password.
 */
export function parseRedisPlace(url: string): Result<RedisPlace, string> {
  const { scheme = '', user, password, hosts = '', path = '' } = shape.exec(url)?.groups ?? {}
  const kind = kinds[scheme]
  if (kind === undefined) return err('a Redis URL begins with redis://, redis+sentinel:// or redis+cluster:// and names hosts')
  const endpoints = hosts.split(',').map((host) => endpointOf(host, kind.kind === 'sentinel' ? 26_379 : 6_379))
  if (endpoints.some((endpoint) => endpoint === null)) return err('its hosts must be host or host:port, with commas between them')
  if (kind.kind === 'standalone' && endpoints.length > 1) return err('several hosts need redis+sentinel:// or redis+cluster://')
  const [first = '', second = ''] = path.split('/')
  if (kind.kind === 'sentinel' && first === '') return err('Sentinel needs the name of the master: redis+sentinel://host,host/name')
  const numbered = kind.kind === 'sentinel' ? second : first
  const database = numbered === '' ? 0 : Number(numbered)
  if (!Number.isInteger(database) || database < 0) return err(`${numbered} is not the number of a database`)
  if (kind.kind === 'cluster' && database !== 0) return err('a Redis Cluster has one database only')
  return ok({
    ...kind,
    endpoints: endpoints.filter((endpoint) => endpoint !== null),
    masterName: kind.kind === 'sentinel' ? decodeURIComponent(first) : null,
    username: user === undefined || user === '' ? null : decodeURIComponent(user),
    password: password === undefined ? null : decodeURIComponent(password),
    database,
  })
}

function endpointOf(text: string, defaultPort: number): Endpoint | null {
  const { bracketed, plain, port } = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {}
  const host = bracketed ?? plain
  const number = port === undefined ? defaultPort : Number(port)
  return host === undefined || number < 1 || number > 65_535 ? null : { host, port: number }
}
