import { hostname } from 'node:os'
import type { NodeOptions } from '#composition/node-options.ts'
import type { Timing } from '#core/cluster/types.ts'
import type { Origins } from '#cli/command.ts'
import { accessFlags, accessOptionsOf } from '#cli/flags/access.ts'
import { engineFlags, redisOf } from '#cli/flags/engine.ts'
import type { ParsePlace } from '#cli/flags/engine.ts'
import type { Flag, Found, Layers, ValuesOf } from '#cli/flags/flag.ts'
import { tlsFlags, tlsOf } from '#cli/flags/tls.ts'
import type { CheckTls } from '#cli/flags/tls.ts'
import { address, addresses, choice, duration, integer, patternText, required, setting, text, withDefault } from '#cli/flags/kinds.ts'
import { bindingMistake, clusterSecret } from './cluster-secret.ts'
import { nodeLayers } from './layers.ts'
import type { Environment } from './layers.ts'
import { expectedVoters } from './expected-voters.ts'
import { settingsFile } from './settings-file.ts'

/** Of a queue its slots, and the catalogue. */
const groups = { lock: 1, queue: 33, cache: 32 } as const

/** The nodes of a scaled service have the same settings, and hosts of their own. */
function orHostname(flag: Flag<string | undefined>): Flag<string> {
  const host = 'the name of this host, as --id is not given,'
  return {
    ...flag,
    read: (given, mistakes) => flag.read(given, mistakes) ?? flag.read({ name: host, texts: [hostname()] }, mistakes) ?? '',
  }
}

/** All that a node can be told. Each has a variable of the environment, and may be in the file. */
export const nodeFlags = {
  service: choice('NAME', 'what it serves: lock, by default, queue, cache, or register, named integers to try the replication with', [
    'lock',
    'queue',
    'cache',
    'register',
  ]),
  id: orHostname(
    patternText('NAME', "the node's name in its cluster; the name of its host by default", {
      pattern: /^[a-z0-9][a-z0-9.-]{0,62}$/i,
      rule: 'a name of letters, digits, dots and dashes, such as lock-node-1',
    }),
  ),
  listen: required(address('HOST:PORT', 'where it listens, for clients and for other nodes')),
  advertise: address('HOST:PORT', 'where other nodes find it, if that is not --listen'),
  join: addresses('A,B,C', 'addresses of the initial voters, the same list on each of them: together they form the cluster'),
  seeds: addresses('A,B', 'addresses of nodes of a cluster to join; a name that stands for several is asked for all of them'),
  expect: integer(
    'N',
    'the first N nodes of predictable names form the cluster: those whose host is that of this one, but for its number, from 0',
    {
      min: 1,
      max: 99,
    },
  ),
  data: text('FOLDER', 'where it keeps its data; .lockstep/NAME by default'),
  'leave-on-stop': duration('DURATION', 'told to stop, it leaves its cluster first, for which it has so long, and its data go', {
    min: 1_000,
    max: 3_600_000,
  }),
  'dead-after': duration(
    'DURATION',
    'a member silent for so long is taken for dead, and others get what it had; 1m; the same on all nodes',
    {
      min: 2_000,
      max: 86_400_000,
    },
  ),
  slots: withDefault(
    integer('N', 'groups of a cluster of registers that is formed; 1 by default; fixed for its life', { min: 1, max: 1_024 }),
    1,
  ),
  store: choice('KIND', 'where a cache keeps its slots: disk, by default, or memory, and then a restart of most nodes at once empties it', [
    'disk',
    'memory',
  ]),
  'cache-lines': integer('N', 'lines that a cache node keeps, 100000 by default', {
    min: 1,
    max: 9_999_999,
  }),
  'cache-snoop': choice('KIND', 'whom the home of a key asks: filter, by default: who may have it; or broadcast: everybody, to compare', [
    'filter',
    'broadcast',
  ]),
  'cache-memory': integer('MIB', 'for the values of a whole cache, with all its slots: 1024 by default; the same on all nodes', {
    min: 64,
    max: 1_048_576,
  }),
  'cache-full': choice('WHAT', 'when there is no room for another value: lru, by default: others go; or refuse: it is refused', [
    'lru',
    'refuse',
  ]),
  'deadlock-policy': withDefault(
    choice(
      'WHOM',
      'whose wait ends where clients wait for each other: requester, by default, youngest or fewest-locks; or who prevents that by age: wait-die or wound-wait; the same on all nodes',
      ['requester', 'youngest', 'fewest-locks', 'wait-die', 'wound-wait'],
    ),
    'requester',
  ),
  'console-peers': addresses(
    'A,B',
    'nodes that the console of this one shows, of other services too, as a browser reaches them; the members of its cluster by default',
  ),
  ...engineFlags,
  election: withDefault(text('MIN-MAX', 'election time-out in milliseconds, the same on all nodes; 500-1000 by default'), '500-1000'),
  heartbeat: withDefault(integer('MS', '100 by default, the same on all nodes', { min: 10, max: 60_000 }), 100),
  secret: text('TEXT', 'what nodes prove to each other; LOCKSTEP_SECRET in the environment keeps it out of the list of processes'),
  'secret-file': text('FILE', 'where the secret is instead: all of the file but a line break at its end'),
  insecure: setting('listen beyond this machine without a secret: whoever reaches the port can join the cluster'),
  ...accessFlags,
  ...tlsFlags,
  config: text('FILE', 'settings that neither flags nor the environment say: an object of JSON with the names of flags'),
  'log-level': choice('LEVEL', 'info, or trace, debug, warn, error, fatal, silent', [
    'info',
    'trace',
    'debug',
    'warn',
    'error',
    'fatal',
    'silent',
  ]),
} as const

type Values = ValuesOf<typeof nodeFlags>

/** What can be said of a setting only by who uses it. */
export interface Judges {
  readonly parse: ParsePlace
  readonly checkTls: CheckTls
}

interface Reading extends Judges {
  readonly origins: Origins
  readonly mistakes: string[]
}

/** The environment, and beneath it the file. */
export function layersOfNode(environment: Environment): (found: Found, mistakes: string[]) => Layers {
  const names = Object.keys(nodeFlags)
  return (found, mistakes) => {
    const path = found.get('config')?.[0] ?? environment['LOCKSTEP_CONFIG'] ?? ''
    const inFile = names.filter((name) => name !== 'config')
    const file = path === '' ? new Map() : settingsFile(path, inFile, mistakes)
    return nodeLayers(found, { flags: names, environment, file })
  }
}

/** What is wrong is added to `mistakes`. */
export function optionsOf(values: Values, { parse, checkTls, origins, mistakes }: Reading): NodeOptions {
  const { service, id, listen, advertise, join, seeds, data, slots, 'cache-memory': mebibytes } = values
  if (service !== 'register' && slots > 1) mistakes.push('--slots is for registers: locks have 1, queues and caches 32')
  const timing = timingOf(values.election, values.heartbeat)
  if (timing === null) {
    const rule = `min below max, which is at most ${electionMsMax}, and min at least three times --heartbeat`
    mistakes.push(
      `${origins.get('election') ?? '--election'} must be min-max in milliseconds, such as 500-1000: ${rule}; it is ${JSON.stringify(values.election)}`,
    )
  }
  const secret = secretOf(values, { origins, mistakes })
  const own = advertise ?? reachable(listen)
  const voters = votersOf(values, own, mistakes)
  const redis = redisFor(values, parse, mistakes)
  if (values.store === 'memory' && service !== 'cache')
    mistakes.push('--store memory is for --service cache: the others keep what they promise')
  if (redis !== null && (join.length + seeds.length > 0 || values.expect !== undefined))
    mistakes.push('--join, --seeds and --expect are not for --engine redis: nodes find each other there')
  return {
    service,
    id,
    listen: hostAndPort(listen),
    address: own,
    ...voters,
    data: data ?? `.lockstep/${id}`,
    slots: service === 'register' ? slots : groups[service],
    store: values.store,
    linesMax: values['cache-lines'] ?? null,
    snoops: values['cache-snoop'],
    valueBytesMax: mebibytes === undefined ? null : mebibytes * 1024 ** 2,
    whenFull: values['cache-full'],
    deadlockPolicy: values['deadlock-policy'],
    leaveMs: values['leave-on-stop'] ?? null,
    deadAfterMs: deadAfterOf(values, timing?.electionMaxMs ?? 0, mistakes),
    consolePeers: values['console-peers'],
    secret,
    tls: tlsOf(values, checkTls, mistakes),
    timing: timing ?? { heartbeatMs: 0, electionMinMs: 0, electionMaxMs: 0, leaseMs: 0 },
    logLevel: values['log-level'],
    access: accessOptionsOf(values, mistakes),
    redis,
  }
}

/** Who is silent for less may be electing a leader. */
function deadAfterOf({ 'dead-after': given }: Values, electionMaxMs: number, mistakes: string[]): number {
  const least = 2 * electionMaxMs
  if (given !== undefined && given < least)
    mistakes.push(`--dead-after must be at least twice the longest --election time-out, ${least} ms`)
  return given ?? Math.max(60_000, least)
}

function secretOf(
  { secret, 'secret-file': file, listen, insecure }: Values,
  { origins, mistakes }: Pick<Reading, 'origins' | 'mistakes'>,
): string | null {
  const binding = bindingMistake({ listen, hasSecret: secret !== undefined || file !== undefined, insecure })
  if (binding !== null) mistakes.push(binding)
  return clusterSecret({ secret, file, origin: origins.get('secret-file') ?? '--secret-file' }, mistakes)
}

/** Only queues can be kept there; the environment may be that of nodes of several services. */
function redisFor(values: Values, parse: ParsePlace, mistakes: string[]): NodeOptions['redis'] {
  if (values.service !== 'queue') {
    if (values.engine === 'redis') mistakes.push('--engine redis is for --service queue')
    return null
  }
  return redisOf(values, { parse, usualName: 'queues', mistakes })
}

type Peers = Pick<NodeOptions, 'voters' | 'seeds'>

/** Who forms the cluster is a list that is the same on each of them (decision R3). */
function votersOf({ join, seeds, expect }: Values, own: string, mistakes: string[]): Peers {
  if (expect === undefined) return { voters: join.length === 0 ? [] : [...new Set([...join, own])].sort(), seeds }
  if (join.length > 0) mistakes.push('--expect and --join both say who forms the cluster: one of them')
  const expected = expectedVoters(own, expect)
  if (expected === null) {
    mistakes.push(`--expect needs a host that begins with a name and a number, such as lock-0.locks:8001; it is ${JSON.stringify(own)}`)
    return { voters: [], seeds }
  }
  return expected.includes(own) ? { voters: expected, seeds } : { voters: [], seeds: [...expected, ...seeds] }
}

/** Others cannot find a node at what means every address of its machine. */
const reachable = (listen: string): string => listen.replace(/^(?:0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, hostname())

function hostAndPort(given: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = given.split(':')
  return { host, port: Number(port) }
}

/** A cluster refuses constants beyond it. */
const electionMsMax = 60_000

/** The lease follows from the shortest time-out by the drift margin (decision R4). */
function timingOf(election: string, heartbeatMs: number): Timing | null {
  const [, min, max] = /^(\d{1,6})-(\d{1,6})$/.exec(election) ?? []
  const [electionMinMs, electionMaxMs] = [Number(min), Number(max)]
  // A leader must get three heartbeats through before anybody gives up on it.
  const fits = electionMinMs >= heartbeatMs * 3 && electionMaxMs > electionMinMs && electionMaxMs <= electionMsMax
  return fits ? { heartbeatMs, electionMinMs, electionMaxMs, leaseMs: Math.floor(electionMinMs * 0.9) } : null
}
