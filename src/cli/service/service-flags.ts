import { noOperands } from '#cli/command.ts'
import type { Flag, Given, ValuesOf } from '#cli/flags/flag.ts'
import { choice, duration, text, toggle, urls, withDefault } from '#cli/flags/kinds.ts'
import { ServiceClient } from './service-client.ts'
import type { Service } from './service-client.ts'
import { trustFlags, trustOf } from './trust.ts'

/** Where the nodes of `lockstep up` are, and what says otherwise. */
const known = {
  lock: { variable: 'LOCKSTEP_LOCK_URL', ports: [8001, 8002, 8003] },
  queue: { variable: 'LOCKSTEP_QUEUE_URL', ports: [9001, 9002, 9003] },
  cache: { variable: 'LOCKSTEP_CACHE_URL', ports: [7001, 7002, 7003] },
} as const

const services = ['lock', 'queue', 'cache'] as const satisfies readonly Service[]

/** Where to look for nodes when nothing was said on the command line. */
function usualNodes(service: Service): Given {
  const { variable } = known[service]
  const said = process.env[variable] ?? ''
  return said === '' ? { name: '--url', texts: defaultsOf(service) } : { name: variable, texts: [said] }
}

const defaultsOf = (service: Service): readonly string[] => known[service].ports.map((port) => `http://127.0.0.1:${port}`)

const urlsOf = (service: Service): ReturnType<typeof urls> =>
  urls(`nodes to ask, the next one when one does not answer; ${known[service].variable}, or ${defaultsOf(service).join(',')}`, () =>
    usualNodes(service),
  )

/** The environment keeps it out of the list of processes. */
const tokenFlag: Flag<string | null> = {
  ...text('TOKEN', 'what to show where the cluster asks for a token; better said as LOCKSTEP_TOKEN in the environment'),
  read: ({ texts: [given] }) => given ?? tokenOfEnvironment(),
}

/** Null when there is none. */
export function tokenOfEnvironment(): string | null {
  const said = process.env['LOCKSTEP_TOKEN']?.trim() ?? ''
  return said === '' ? null : said
}

const flagsOf = (service: Service) =>
  ({
    url: urlsOf(service),
    timeout: withDefault(duration('DURATION', 'how long to look for an answer; 5s', { min: 1, max: 600_000 }), 5_000),
    'api-token': tokenFlag,
    json: toggle('print JSON, for programs'),
    ...trustFlags,
  }) as const

/** What every command takes that talks to a cluster of locks. */
export const serviceFlags = flagsOf('lock')
/** The same for queues. */
export const queueServiceFlags = flagsOf('queue')
/** And for caches. */
export const cacheServiceFlags = flagsOf('cache')

type TrustValues = Partial<ValuesOf<typeof trustFlags>>
type ClientFlags = Pick<ValuesOf<typeof serviceFlags>, 'url' | 'timeout' | 'api-token'> & TrustValues

export const clientOf = ({ url, timeout, 'api-token': token, ...trust }: ClientFlags): ServiceClient =>
  new ServiceClient({ urls: url, timeoutMs: timeout, token, trust: trustOf(trust) })

export const queueClientOf = ({ url, timeout, 'api-token': token, ...trust }: ClientFlags): ServiceClient =>
  new ServiceClient({ urls: url, timeoutMs: timeout, service: 'queue', token, trust: trustOf(trust) })

export const cacheClientOf = ({ url, timeout, 'api-token': token, ...trust }: ClientFlags): ServiceClient =>
  new ServiceClient({ urls: url, timeoutMs: timeout, service: 'cache', token, trust: trustOf(trust) })

/** What a command takes that talks to the cluster of one service, whichever it is. */
export const oneServiceFlags = {
  ...serviceFlags,
  service: choice('NAME', 'whose cluster it is: lock, by default, queue or cache', services),
  url: urls('nodes to ask, the next one when one does not answer; LOCKSTEP_LOCK_URL, LOCKSTEP_QUEUE_URL or LOCKSTEP_CACHE_URL', () => null),
} as const

export function oneClientOf(
  { service, url, timeout, 'api-token': token, ...trust }: ValuesOf<typeof oneServiceFlags>,
  mistakes: string[],
): ServiceClient {
  const found = url.length > 0 ? url : urlsOf(service).read(usualNodes(service), mistakes)
  return new ServiceClient({ urls: found, timeoutMs: timeout, service, token, trust: trustOf(trust) })
}

/** What commands take that look at all services; without urls they look where the nodes of each are known to be. */
export const anyServiceFlags = {
  ...serviceFlags,
  url: {
    ...serviceFlags.url,
    description: `nodes of one cluster; without it those of LOCKSTEP_LOCK_URL, LOCKSTEP_QUEUE_URL and LOCKSTEP_CACHE_URL, or of 'lockstep up'`,
    read: (given: Given, mistakes: string[]) => (given.texts.length === 0 ? null : serviceFlags.url.read(given, mistakes)),
  },
} as const

/** A client for each cluster to look at: of the service that is named, of the nodes that are, or of every service. */
export function clientsOf(
  { url, timeout, 'api-token': token, ...trust }: Pick<ValuesOf<typeof anyServiceFlags>, 'url' | 'timeout' | 'api-token'> & TrustValues,
  only: Service | null,
  mistakes: string[],
): readonly ServiceClient[] {
  const wanted = only !== null ? [only] : url === null ? services : ['lock' as const]
  return wanted.map((service) => {
    const urlsHere = url ?? urlsOf(service).read({ name: '--url', texts: [] }, mistakes)
    return new ServiceClient({ urls: urlsHere, timeoutMs: timeout, service, token, trust: trustOf(trust) })
  })
}

/** The operand that names a service; null when there is none. */
export function serviceOperand([given, ...more]: readonly string[], mistakes: string[]): Service | null {
  const service = services.find((each) => each === given) ?? null
  if (given !== undefined && service === null)
    mistakes.push(`the SERVICE must be one of ${services.join(', ')}; it is ${JSON.stringify(given)}`)
  noOperands(more, mistakes)
  return service
}
