import { isLoopback } from '#base/loopback.ts'
import type { NodeOptions } from './node-options.ts'

/** What files that people copy have for a secret, so that they work at once. Everybody knows it. */
const developmentSecret = 'lockstep-development-secret'
const secretLengthMin = 16

/** What an operator should know of how a node may be reached. */
export function securityWarnings({ listen: { host }, secret }: Pick<NodeOptions, 'listen' | 'secret'>): readonly string[] {
  const fix = 'take a random one, such as `openssl rand -hex 32` makes'
  if (secret === developmentSecret) return [`the cluster secret is the one for development, which everybody knows: ${fix}`]
  if (secret !== null && secret.length < secretLengthMin) return [`the cluster secret has fewer than ${secretLengthMin} characters: ${fix}`]
  if (secret !== null || isLoopback(host)) return []
  return [`it listens on ${host} without a cluster secret: whoever reaches that port can join the cluster`]
}
