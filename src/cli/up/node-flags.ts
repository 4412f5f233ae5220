import type { Redis } from '#cli/flags/engine.ts'
import type { LocalNode } from './local-nodes.ts'

/** How a node is told what it is. The URL of Redis is not there: it may hold a password, and everybody may read the list of processes. */
export function nodeFlags({ service, id, address, data }: LocalNode, nodes: readonly LocalNode[], redis: Redis | null): readonly string[] {
  const who = ['--service', service, '--id', id, '--listen', address]
  if (service === 'queue' && redis !== null) {
    const { name, replicas, relaxed } = redis
    const kept = ['--redis-name', name, '--redis-replicas', String(replicas), '--redis-durability', relaxed ? 'relaxed' : 'strict']
    return [...who, '--engine', 'redis', ...kept]
  }
  const join = nodes.filter((each) => each.service === service).map((each) => each.address)
  // Said, because the environment may say something else.
  const engine = service === 'queue' ? ['--engine', 'embedded'] : []
  return [...who, '--join', join.join(','), '--data', data, ...engine]
}
