import { AsyncLocalStorage } from 'node:async_hooks'
import { LockstepClient } from '#sdk/client.ts'
import type { Scope } from '#sdk/locking.ts'
import { Program } from '#sim/clients/program.ts'
import type { ProgramPorts } from '#sim/clients/program.ts'
import type { Beliefs } from '#sim/lock/beliefs.ts'
import type { Ledger } from '#sim/lock/ledger.ts'
import type { LockOptions } from '#sim/lock/options.ts'
import type { ClientMessage, ServerMessage } from '#wire/client-message.ts'
import { HeldLocks } from './held-locks.ts'

export interface LockProgramPorts extends ProgramPorts<ClientMessage, ServerMessage> {
  readonly beliefs: Beliefs
  readonly ledger: Ledger
  readonly options: LockOptions
}

/** One life of a program that takes locks with the library. */
export type LockProgram = Program<ClientMessage, ServerMessage, LockProgramPorts, HeldLocks>

export const lockProgram = (name: string, ports: LockProgramPorts): LockProgram =>
  new Program({ name, ports, held: new HeldLocks(name, ports), leasesMs: [4_000, 4_000, 6_000, 10_000] })

export const connectLocks = (program: LockProgram): Promise<LockstepClient | null> =>
  program.connect((ports, options) =>
    LockstepClient.connect(ports, { ...options, sessionTtlMs: program.leaseMs }, new AsyncLocalStorage<Scope>()),
  )
