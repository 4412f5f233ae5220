import { cacheLimits } from '#core/cache/limits.ts'
import { CacheClient } from '#sdk/cache/cache-client.ts'
import type { Claims } from '#sim/cache/claims.ts'
import type { Ledger } from '#sim/cache/ledger.ts'
import type { CacheOptions } from '#sim/cache/options.ts'
import { Program } from '#sim/clients/program.ts'
import type { ProgramPorts } from '#sim/clients/program.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import type { Applications } from './applications.ts'
import type { Addends } from '#sim/cache/addends.ts'
import { Possessions } from './possessions.ts'

export interface CacheProgramPorts extends ProgramPorts<CacheClientMessage, CacheServerMessage> {
  readonly claims: Claims
  readonly ledger: Ledger
  readonly applications: Applications
  readonly options: CacheOptions
  readonly keys: readonly string[]
  /** Never the same value twice. */
  readonly nextValue: () => number
  readonly addends: Addends
}

/** One life of a program that is an agent of the cache, or several. */
export type CacheProgram = Program<CacheClientMessage, CacheServerMessage, CacheProgramPorts, Possessions>

export const cacheProgram = (name: string, ports: CacheProgramPorts): CacheProgram =>
  new Program({ name, ports, held: new Possessions(ports), leasesMs: [cacheLimits.leaseMs] })

export const connectCache = (program: CacheProgram): Promise<CacheClient | null> =>
  program.connect((ports, options) => CacheClient.connect(ports, options))
