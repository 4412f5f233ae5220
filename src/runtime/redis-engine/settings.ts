import type { ServerSettings } from '#ports/redis-slots.ts'

/**
 * Why an answer of this Redis would not mean that something is kept; empty when it does. Each names the setting. What a server does not tell counts
 * as wrong. `confirming` replicas are waited for with each write: those that are not may be promoted without what was answered.
 */
export const unsafeSettings = (servers: readonly ServerSettings[], confirming: number): readonly string[] =>
  servers.flatMap((server) => faultsOf(server, confirming))

function faultsOf(
  { address, version, appendonly, appendfsync, maxmemoryPolicy, replicas }: ServerSettings,
  confirming: number,
): readonly string[] {
  const faults: string[] = []
  const wants = (setting: string, is: string | null, wanted: string, why: string): void => {
    faults.push(`Redis at ${address}: ${setting} is ${is ?? 'not told'}, and must be ${wanted}: ${why}`)
  }
  if (!isSupported(version)) wants('version', version, '6.2 or newer', 'older ones are not tested')
  if (appendonly !== 'yes') wants('appendonly', appendonly, 'yes', 'without it a restart loses everything since the last snapshot')
  if (appendfsync !== 'always')
    wants('appendfsync', appendfsync, 'always', 'otherwise a crash loses what was answered, or answers take a second')
  if (maxmemoryPolicy !== 'noeviction' && maxmemoryPolicy?.startsWith('volatile-') !== true) {
    wants('maxmemory-policy', maxmemoryPolicy, 'noeviction', 'otherwise Redis drops data when memory is short')
  }
  if (replicas > confirming) {
    const why = 'a fail-over to one that was not waited for loses what was answered'
    faults.push(`Redis at ${address}: replicas are ${replicas}, and ${confirming} are waited for (--redis-replicas): ${why}`)
  }
  return faults
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2)
}
