import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeOptions } from '#composition/node-options.ts'
import { CommandError } from '#cli/command-error.ts'
import { runCommandLine } from '#cli/command-line.ts'
import { loadCertificates } from '#io/listener/certificate-files.ts'
import { parseRedisPlace } from '#io/redis/redis-place.ts'
import { cacheSlots } from '#services/cache/limits.ts'
import { catalogueGroup } from '#services/queue/limits.ts'
import { nodeCommand } from './node.ts'

const where = ['--id', 'a', '--listen', '127.0.0.1:8001']

async function optionsOf(args: readonly string[]): Promise<NodeOptions> {
  const seen = Promise.withResolvers<NodeOptions>()
  const command = nodeCommand(
    (options) => {
      seen.resolve(options)
      return Promise.resolve({ type: 'stopped' })
    },
    { parse: parseRedisPlace, checkTls: loadCertificates },
  )
  await runCommandLine({ version: '1', summary: '', help: '', commands: [command] }, ['node', ...args])
  return seen.promise
}

test('a node serves locks unless told otherwise, and queues in all of their groups', async () => {
  equal((await optionsOf(where)).service, 'lock')
  equal((await optionsOf([...where, '--service', 'register'])).service, 'register')
  await rejects(optionsOf([...where, '--service', 'bank']), /--service must be lock, queue, cache or register; it is "bank"/)
  equal((await optionsOf([...where, '--service', 'queue'])).slots, catalogueGroup)
  equal((await optionsOf([...where, '--service', 'cache'])).slots, cacheSlots)
})

test('decision L8: the locks have one slot', async () => {
  await rejects(optionsOf([...where, '--slots', '2']), /--slots is for registers/)
  equal((await optionsOf([...where, '--service', 'register', '--slots', '2'])).slots, 2)
})

test('the own address is one of the voters, and the list is the same on each of them', async () => {
  const join = '127.0.0.1:8003,127.0.0.1:8002'
  deepEqual((await optionsOf([...where, '--join', join])).voters, ['127.0.0.1:8001', '127.0.0.1:8002', '127.0.0.1:8003'])
  deepEqual((await optionsOf([...where, '--join', join, '--advertise', 'a:1'])).voters, ['127.0.0.1:8002', '127.0.0.1:8003', 'a:1'])
})

test('the lease of a leader is shorter than the shortest election time-out', async () => {
  const { timing } = await optionsOf([...where, '--election', '300-600', '--heartbeat', '50'])
  deepEqual(timing, { heartbeatMs: 50, electionMinMs: 300, electionMaxMs: 600, leaseMs: 270 })
  await rejects(optionsOf([...where, '--election', '299-600']), /--election must be min-max in milliseconds/)
})

test('every mistake is named at once, one of each flag', async () => {
  const args = [
    '--listen',
    'here',
    '--join',
    'a',
    '--slots',
    '0',
    '--secrt',
    'x',
    '--log-level',
    'loud',
    '--seeds',
    '--id',
    'b',
    '--id',
    'c',
  ]
  await rejects(optionsOf(args), ({ message }: Error) => {
    const lines = message.split('\n')
    for (const flag of ['listen', 'join', 'slots', 'secrt', 'log-level', 'seeds', 'id']) {
      equal(lines.filter((line) => line.startsWith(`--${flag} `)).length, 1, `${flag} in ${message}`)
    }
    match(message, /--seeds needs a value/)
    match(message, /--id is given twice/)
    return true
  })
})

test('queues are kept in Redis when that is said, by a flag or by the environment, and mistakes never repeat a password', async () => {
  const queue = [...where, '--service', 'queue']
  const inRedis = [...queue, '--engine', 'redis']
  equal((await optionsOf(queue)).redis, null)
  const { redis } = await optionsOf([...inRedis, '--redis-url', 'redis://u:geheim@r:1/2', '--redis-name', 'mine', '--redis-replicas', '1'])
  const { place, name, replicas, relaxed } = redis ?? {}
  deepEqual([place?.endpoints, place?.database, name, replicas, relaxed], [[{ host: 'r', port: 1 }], 2, 'mine', 1, false])
  await rejects(optionsOf(inRedis), /--engine redis needs --redis-url/)
  await rejects(optionsOf([...inRedis, '--redis-url', 'redis://u:geheim@r:x']), ({ message }: Error) => {
    match(message, /^--redis-url: /)
    ok(!message.includes('geheim'))
    return true
  })
  await rejects(optionsOf([...inRedis, '--redis-url', 'redis://r', '--join', 'h:1']), /nodes find each other there/)
  await rejects(optionsOf([...queue, '--redis-url', 'redis://r']), /--redis-url is for --engine redis/)
  await rejects(optionsOf([...where, '--engine', 'redis', '--redis-url', 'redis://r']), /--engine redis is for --service queue/)
  await rejects(optionsOf([...queue, '--engine', 'paper']), /--engine must be embedded or redis/)
})

test('the environment says what flags do not, to queue nodes', async (context) => {
  const said = {
    LOCKSTEP_ENGINE: 'redis',
    LOCKSTEP_REDIS_URL: 'redis+sentinel://s1,s2/main',
    LOCKSTEP_REDIS_NAME: 'n',
    LOCKSTEP_REDIS_REPLICAS: '2',
    LOCKSTEP_REDIS_DURABILITY: 'relaxed',
  }
  const before = process.env
  context.after(() => {
    process.env = before
  })
  process.env = { ...before, ...said }
  const queue = [...where, '--service', 'queue']
  const { redis } = await optionsOf(queue)
  deepEqual([redis?.place.masterName, redis?.name, redis?.replicas, redis?.relaxed], ['main', 'n', 2, true])
  equal((await optionsOf([...queue, '--redis-replicas', '0'])).redis?.replicas, 0)
  equal((await optionsOf([...queue, '--engine', 'embedded'])).redis, null)
  equal((await optionsOf(where)).redis, null)
  process.env['LOCKSTEP_REDIS_REPLICAS'] = 'many'
  await rejects(optionsOf(queue), /LOCKSTEP_REDIS_REPLICAS must be a number from 0 to 16/)
})

test('a node that is no member any more ends with a code of its own', async () => {
  const detail = 'the cluster has removed this node for good'
  const command = nodeCommand(() => Promise.resolve({ type: 'failed', reason: { type: 'removed', detail } }), {
    parse: parseRedisPlace,
    checkTls: loadCertificates,
  })
  const running = runCommandLine({ version: '1', summary: '', help: '', commands: [command] }, [
    'node',
    ...where,
    '--join',
    '127.0.0.1:8001',
  ])
  await rejects(running, (error) => error instanceof CommandError && error.exitCode === 8 && error.message === detail)
})
