import type { Redis } from '#cli/flags/engine.ts'
import type { LocalNode } from './local-nodes.ts'

/**
 * How a node is told what it is: one of those that form the cluster of its service, or one that joins it. The URL of Redis is not there: it may hold a password, and everybody
 * may read the list of processes.
 */
export function nodeFlags(
  { service, id, address, data }: LocalNode,
  founders: readonly LocalNode[],
  redis: Redis | null,
): readonly string[] {
  const who = ['--service', service, '--id', id, '--listen', address]
  if (service === 'queue' && redis !== null) {
    const { name, replicas, relaxed } = redis
    const kept = ['--redis-name', name, '--redis-replicas', String(replicas), '--redis-durability', relaxed ? 'relaxed' : 'strict']
    return [...who, '--engine', 'redis', ...kept]
  }
  const its = founders.filter((each) => each.service === service).map((each) => each.address)
  const finds = its.includes(address) ? '--join' : '--seeds'
  // Said, because the environment may say something else.
  const engine = service === 'queue' ? ['--engine', 'embedded'] : []
  return [...who, finds, its.join(','), '--data', data, ...engine]
}
