import type { RedisInspection } from '#composition/inspect-redis.ts'
import { found } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether queues could be kept in it. */
export function judgeRedis(inspection: RedisInspection): readonly Finding[] {
  if (inspection.type === 'not-reached') {
    const fix = 'start it, or mend --redis-url: redis://HOST:PORT, redis+sentinel://HOST,HOST/MASTER or redis+cluster://HOST,HOST'
    return [{ check: 'redis', verdict: 'broken', seen: inspection.reason, fix }]
  }
  const { servers, unsafe } = inspection
  const reached = servers.map(({ address, version, replicas }) => found('redis', `${version} at ${address}, followed by ${replicas}`))
  if (unsafe.length === 0) return [...reached, found('redis settings', 'what is answered is kept')]
  const fix = 'CONFIG SET it, and in its file too; queue nodes refuse to run with it unless --redis-durability is relaxed'
  return [...reached, ...unsafe.map((seen): Finding => ({ check: 'redis settings', verdict: 'broken', seen, fix }))]
}
