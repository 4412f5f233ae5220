import type { ServerSettings } from '#ports/redis-slots.ts'

/** Names which data a server serves: another process, or another history of its data, has another one. */
export interface ServerInfo extends Pick<ServerSettings, 'version' | 'role' | 'replicas'> {
  readonly identity: string
}

/** From the sections `server` and `replication` of `INFO`. */
export function parseInfo(text: string): ServerInfo {
  const fields = new Map(text.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
  const field = (name: string): string => fields.get(name) ?? ''
  return {
    version: field('redis_version'),
    role: field('role'),
    identity: `${field('run_id')}/${field('master_replid')}`,
    replicas: Number(field('connected_slaves')),
  }
}

/** Whether a version, three numbers with points, is at least that. */
export function isAtLeast(version: string, least: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > least[0] || (major === least[0] && minor >= least[1])
}
