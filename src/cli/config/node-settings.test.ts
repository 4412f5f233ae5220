import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { NodeOptions } from '#composition/node-options.ts'
import { isSane } from '#core/cluster/timing.ts'
import { defineCommand } from '#cli/command.ts'
import type { Origins } from '#cli/command.ts'
import { loadCertificates } from '#io/listener/certificate-files.ts'
import { parseRedisPlace } from '#io/redis/redis-place.ts'
import { expectedVoters } from './expected-voters.ts'
import type { Environment } from './layers.ts'
import { layersOfNode, nodeFlags, optionsOf } from './node-settings.ts'

interface Read {
  readonly options: NodeOptions
  readonly origins: Origins
  readonly mistakes: readonly string[]
}

/** What a node with a secret makes of its command line and its environment. */
function read(said: Readonly<Record<string, string | undefined>>, environment: Environment = {}): Read {
  const given: Readonly<Record<string, string | undefined>> = { secret: 'of all nodes in these tests', ...said }
  const seen: Omit<Read, 'mistakes'>[] = []
  const command = defineCommand({
    name: 'node',
    summary: '',
    operands: '',
    help: '',
    flags: nodeFlags,
    layers: layersOfNode(environment),
    read(values, _operands, mistakes, origins) {
      seen.push({ options: optionsOf(values, { parse: parseRedisPlace, checkTls: loadCertificates, origins, mistakes }), origins })
    },
    run: () => Promise.resolve(0),
  })
  const mistakes: string[] = []
  const found = new Map(Object.keys(nodeFlags).map((name) => [name, given[name] === undefined ? [] : [given[name]]] as const))
  command.prepare(found, [], mistakes)
  return { ...(seen[0] as Omit<Read, 'mistakes'>), mistakes }
}

function fileWith(context: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'node.json'), content)
  return join(folder, 'node.json')
}

const seed = {
  NODE_ID: 'lock-node-2',
  PORT: '8002',
  PEERS: 'lock-node-1:8001, lock-node-3:8003',
  LOG_LEVEL: 'WARNING',
  ELECTION_TIMEOUT_MIN: '300',
  ELECTION_TIMEOUT_MAX: '700',
  HEARTBEAT_INTERVAL: '50',
  CACHE_CAPACITY: '1000',
}

test('a node is told all it needs by the short names of the environment', () => {
  const { options, mistakes } = read({}, { ...seed, REDIS_HOST: 'redis', REDIS_PORT: '6380' })
  deepEqual(mistakes, [])
  const { id, listen, voters, logLevel, timing, linesMax, redis } = options
  deepEqual([id, listen, logLevel, linesMax, redis], ['lock-node-2', { host: '127.0.0.1', port: 8002 }, 'warn', 1_000, null])
  deepEqual(voters, ['127.0.0.1:8002', 'lock-node-1:8001', 'lock-node-3:8003'])
  deepEqual([timing.electionMinMs, timing.electionMaxMs, timing.heartbeatMs], [300, 700, 50])
})

test('a queue node that is told where Redis is keeps its queues there, and needs no peers', () => {
  const environment = { ...seed, LOCKSTEP_SERVICE: 'queue', REDIS_HOST: 'redis', REDIS_PORT: '6380' }
  const { options, mistakes } = read({}, environment)
  deepEqual([mistakes, options.voters, options.redis?.place.endpoints], [[], [], [{ host: 'redis', port: 6380 }]])
  const embedded = read({ engine: 'embedded' }, environment)
  deepEqual([embedded.mistakes, embedded.options.redis, embedded.options.voters.length], [[], null, 3])
})

test('flags win over the environment, its long names over the short ones, that over the file, and that over defaults', (context) => {
  const config = fileWith(context, '{"id": "c", "listen": "127.0.0.1:1", "heartbeat": 20, "seeds": ["a:1", "b:2"]}')
  const environment = { NODE_ID: 'b', LOCKSTEP_ID: 'a', HEARTBEAT_INTERVAL: '30', LOCKSTEP_CONFIG: config }
  const { options, origins, mistakes } = read({ heartbeat: '40' }, environment)
  deepEqual(mistakes, [])
  deepEqual([options.id, options.listen.port, options.timing.heartbeatMs, options.seeds], ['a', 1, 40, ['a:1', 'b:2']])
  deepEqual(
    ['id', 'listen', 'heartbeat', 'seeds', 'election'].map((name) => origins.get(name)),
    ['LOCKSTEP_ID', `${config}: listen`, '--heartbeat', `${config}: seeds`, undefined],
  )
  equal(read({ config }, { NODE_ID: 'b' }).options.id, 'b')
})

test('every mistake of the environment and of the file is named at once, by where it was made', (context) => {
  const config = fileWith(context, '{"slots": {}, "listne": "x", "log-level": "loud"}')
  const { mistakes } = read({ config }, { PORT: 'x', HEARTBEAT_INTERVAL: '1', ELECTION_TIMEOUT_MIN: '2', CACHE_CAPACITY: '0' })
  deepEqual(
    mistakes.map((mistake) => mistake.split(' must be')[0]?.replace(config, 'FILE')),
    [
      'FILE: slots',
      'FILE: listne is no setting: they are named as the flags are',
      'PORT',
      'CACHE_CAPACITY',
      'HEARTBEAT_INTERVAL',
      'FILE: log-level',
      'ELECTION_TIMEOUT_MIN and ELECTION_TIMEOUT_MAX',
    ],
  )
  match(read({ config: '/nowhere/at/all' }, {}).mistakes[0] ?? '', /^\/nowhere\/at\/all cannot be read: ENOENT/)
  match(read({ config: fileWith(context, '[1]') }, {}).mistakes[0] ?? '', /must be an object of JSON$/)
})

test('where a node is to be found is no address that means all of its machine', () => {
  const where = { id: 'a', join: 'b:1' }
  equal(read({ ...where, listen: '0.0.0.0:8001' }).options.address, `${hostname()}:8001`)
  equal(read({ ...where, listen: '0.0.0.0:8001', advertise: 'me:1' }).options.address, 'me:1')
  equal(read({ id: 'a' }, { LISTEN: '0.0.0.0', PORT: '8001', PEERS: 'b:1' }).options.address, `${hostname()}:8001`)
})

test('decision R3: with predictable names the list of voters follows from a number, and whoever is not in it joins', () => {
  deepEqual(expectedVoters('lock-2.locks:8001', 3), ['lock-0.locks:8001', 'lock-1.locks:8001', 'lock-2.locks:8001'])
  for (const own of ['lock:8001', '10.0.0.1:8001', 'lock-x:8001', 'lock-01:8001', 'a-b-:1']) equal(expectedVoters(own, 3), null, own)
  const at = (host: string) => read({ id: 'a', listen: '0.0.0.0:8001', advertise: `${host}:8001`, expect: '3' })
  deepEqual(at('lock-1').options.voters, at('lock-0').options.voters)
  const late = at('lock-3').options
  deepEqual([late.voters, late.seeds], [[], ['lock-0:8001', 'lock-1:8001', 'lock-2:8001']])
  match(at('lock').mistakes[0] ?? '', /^--expect needs a host that begins with a name and a number/)
  match(read({ id: 'a', listen: 'a-0:1', expect: '3', join: 'b:1' }).mistakes[0] ?? '', /^--expect and --join both say/)
})

test('time-outs that are accepted are those that a cluster can be formed with', () => {
  const at = (election: string, heartbeat: string) => read({ id: 'a', listen: 'b:1', election, heartbeat })
  for (const [election, heartbeat] of [
    ['30-31', '10'],
    ['300-600', '100'],
    ['59999-60000', '19999'],
  ] as const) {
    const { options, mistakes } = at(election, heartbeat)
    deepEqual([mistakes, isSane(options.timing)], [[], true], election)
  }
  match(at('40000-60001', '100').mistakes[0] ?? '', /^--election must be .*at most 60000/)
  match(read({ id: 'a', listen: 'b:1' }, { ELECTION_TIMEOUT_MIN: '40000' }).mistakes[0] ?? '', /^ELECTION_TIMEOUT_MIN and .*40000-80000/)
})

test('of a file that is not JSON only the place of the mistake is told, for it may hold a secret', (context) => {
  for (const content of ['{"secret": "geheim" "id": "a"}', '{"secret": geheim}', 'geheim']) {
    const config = fileWith(context, content)
    const [mistake = ''] = read({ config }).mistakes
    match(mistake.replace(config, 'FILE'), /^FILE is not JSON(?: \(line 1 column \d+\))?$/)
  }
})

test('what says who forms the cluster wins over what says it otherwise further down', (context) => {
  const given = { id: 'a', listen: 'a-0:1' }
  const expected = ['a-0:1', 'a-1:1', 'a-2:1']
  const config = fileWith(context, '{"join": ["b:1"]}')
  const counting = fileWith(context, '{"expect": 3}')
  const votersOf = ({ options, mistakes }: Read): readonly unknown[] => [mistakes, options.voters]
  deepEqual(votersOf(read({ ...given, expect: '3' }, { PEERS: 'b:1' })), [[], expected])
  deepEqual(votersOf(read({ ...given, expect: '3', config })), [[], expected])
  deepEqual(votersOf(read(given, { LOCKSTEP_EXPECT: '3', PEERS: 'b:1', LOCKSTEP_CONFIG: config })), [[], expected])
  deepEqual(votersOf(read({ ...given, join: 'b:1' }, { LOCKSTEP_EXPECT: '3' })), [[], ['a-0:1', 'b:1']])
  deepEqual(votersOf(read({ ...given, config: counting }, { PEERS: 'b:1' })), [[], ['a-0:1', 'b:1']])
  match(read(given, { LOCKSTEP_EXPECT: '3', LOCKSTEP_JOIN: 'b:1' }).mistakes[0] ?? '', /^--expect and --join both say/)
  match(read({ ...given, config: fileWith(context, '{"expect": 3, "join": ["b:1"]}') }).mistakes[0] ?? '', /^--expect and --join both say/)
})

test('a queue node in Redis passes over peers that its environment has for others, and refuses them as flags', () => {
  const given = { id: 'a', listen: '127.0.0.1:1', service: 'queue', engine: 'redis', 'redis-url': 'redis://r' }
  const { options, mistakes } = read(given, { PEERS: 'b:1', LOCKSTEP_SEEDS: 'c:1', LOCKSTEP_EXPECT: '3' })
  deepEqual([mistakes, options.voters, options.seeds], [[], [], []])
  for (const flag of [{ expect: '3' }, { seeds: 'c:1' }, { join: 'b:1' }])
    match(read({ ...given, listen: 'a-0:1', ...flag }).mistakes[0] ?? '', /nodes find each other there$/)
})

test('a host to listen on without a port is a mistake, unless something above says where to listen', () => {
  match(read({ id: 'a' }, { LISTEN: '0.0.0.0' }).mistakes[0] ?? '', /^LISTEN, without PORT, must be .*"0\.0\.0\.0"/)
  deepEqual(read({ id: 'a', listen: 'b:1' }, { LISTEN: '0.0.0.0' }).mistakes, [])
})

test('the secret or its file: the flag wins over the environment, and one place says one of them', (context) => {
  const file = fileWith(context, 'of the file\n')
  const at = { id: 'a', listen: '0.0.0.0:1', secret: undefined }
  const secretOf = ({ options, mistakes }: Read): readonly unknown[] => [options.secret, mistakes]
  deepEqual(secretOf(read({ ...at, 'secret-file': file }, { LOCKSTEP_SECRET: 'of the environment' })), ['of the file', []])
  deepEqual(secretOf(read({ ...at, secret: 'of the flag' }, { LOCKSTEP_SECRET_FILE: file })), ['of the flag', []])
  deepEqual(secretOf(read(at, { LOCKSTEP_SECRET_FILE: file })), ['of the file', []])
  match(read({ ...at, secret: 'x', 'secret-file': file }).mistakes[0] ?? '', /^--secret and --secret-file both say/)
  match(
    read(at, { LOCKSTEP_SECRET_FILE: '/nowhere' }).mistakes.join(),
    /^LOCKSTEP_SECRET_FILE: \/nowhere cannot be read: ENOENT[^,]*, open '\/nowhere'$/,
  )
})

test('without a secret a node does not listen beyond its machine, unless that is said wherever', (context) => {
  const at = { id: 'a', listen: '0.0.0.0:1', secret: undefined }
  match(read(at).mistakes.join(), /^--listen 0\.0\.0\.0:1 lets other machines in/)
  match(read(at, { LOCKSTEP_INSECURE: 'false' }).mistakes.join(), /lets other machines in/)
  deepEqual(read(at, { LOCKSTEP_INSECURE: 'true' }).mistakes, [])
  deepEqual(read({ ...at, config: fileWith(context, '{"insecure": true}') }).mistakes, [])
})

test('a node of many that share their settings has the name of its host', () => {
  equal(read({}, { LISTEN: '0.0.0.0', PORT: '8001', LOCKSTEP_SEEDS: 'b:1' }).options.id, hostname())
  equal(read({ id: 'a' }, { PORT: '8001' }).options.id, 'a')
})

test('a node stays a member of its cluster when it is stopped, unless it is told how long it may take to leave', () => {
  equal(read({ id: 'a' }, { PORT: '8001' }).options.leaveMs, null)
  equal(read({ id: 'a' }, { PORT: '8001', LOCKSTEP_LEAVE_ON_STOP: '60s' }).options.leaveMs, 60_000)
  match(read({ id: 'a', 'leave-on-stop': '1ms' }, { PORT: '8001' }).mistakes[0] ?? '', /^--leave-on-stop must be a length of time/)
})

test('a member is taken for dead after a minute unless told otherwise, and never while others may be electing', () => {
  equal(read({ id: 'a' }, { PORT: '8001' }).options.deadAfterMs, 60_000)
  equal(read({ id: 'a', 'dead-after': '5s' }, { PORT: '8001' }).options.deadAfterMs, 5_000)
  const { mistakes } = read({ id: 'a', 'dead-after': '5s', election: '3000-4000' }, { PORT: '8001' })
  equal(mistakes.length, 1)
  match(mistakes[0] ?? '', /--dead-after must be at least twice/)
})

test('a node asks for no tokens and has no limit of rates unless told, and does not start with a file of tokens that has a mistake', (context) => {
  const given = { id: 'n1', listen: '127.0.0.1:1', join: '127.0.0.1:1' }
  deepEqual(read(given).options.access, { tokens: null, ratePerSecond: null, connectionsPerAddress: 4_096 })
  const good = fileWith(context, '{"tokens":[]}')
  const told = read({ ...given, 'rate-limit': '100' }, { LOCKSTEP_TOKENS: good, LOCKSTEP_CONNECTIONS_PER_ADDRESS: '9' })
  deepEqual(told.options.access, { tokens: good, ratePerSecond: 100, connectionsPerAddress: 9 })
  deepEqual(read({ ...given, tokens: `${good}.not` }).mistakes, ['the file of --tokens cannot be read: ENOENT'])
  const bad = fileWith(context, '{"tokens":[{"name":"a"}]}')
  equal(read({ ...given, tokens: bad }).mistakes.length, 2)
  deepEqual(read({ ...given, service: 'register', tokens: good }).mistakes, ['--tokens and --rate-limit are not for registers'])
})

test('only a cache keeps its slots in memory, and what the environment says of it is not for the others', () => {
  const given = { id: 'a', listen: '127.0.0.1:1', join: '127.0.0.1:1' }
  equal(read({ ...given, service: 'cache' }).options.store, 'disk')
  const told = read({ ...given, service: 'cache' }, { LOCKSTEP_STORE: 'memory' })
  deepEqual([told.mistakes, told.options.store], [[], 'memory'])
  deepEqual(read(given, { LOCKSTEP_STORE: 'memory' }).options.store, 'disk')
  match(read({ ...given, service: 'queue', store: 'memory' }).mistakes[0] ?? '', /^--store memory is for --service cache/)
  match(read({ ...given, service: 'cache', store: 'tape' }).mistakes[0] ?? '', /^--store must be disk or memory/)
})

test('decision L5: what is done about deadlocks is one of the policies of the lock machine', () => {
  const where = { id: 'a', listen: '127.0.0.1:1' }
  equal(read(where).options.deadlockPolicy, 'requester')
  for (const policy of ['requester', 'youngest', 'fewest-locks', 'wait-die', 'wound-wait'])
    equal(read({ ...where, 'deadlock-policy': policy }).options.deadlockPolicy, policy)
  equal(read(where, { LOCKSTEP_DEADLOCK_POLICY: 'wound-wait' }).options.deadlockPolicy, 'wound-wait')
  match(
    read({ ...where, 'deadlock-policy': 'oldest' }).mistakes.join(),
    /^--deadlock-policy must be requester, youngest, fewest-locks, wait-die or wound-wait; it is "oldest"$/,
  )
})
