import { constants } from 'node:os'
import { basename } from 'node:path'
import { lockApiLimits, lockDefaults } from '#api/locks/limits.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes, signalExitCode } from '#cli/exit-codes.ts'
import { duration, patternText, required, withDefault } from '#cli/flags/kinds.ts'
import type { ChildEnding } from '#cli/hold/child.ts'
import { runChild } from '#cli/hold/child.ts'
import type { HeldLock } from '#cli/hold/hold-lock.ts'
import { holdLock } from '#cli/hold/hold-lock.ts'
import { interruptible } from '#cli/interrupts.ts'
import type { Connect } from '#cli/load/connect.ts'
import { errorScreen } from '#cli/output/terminal.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'
import { trustFlags } from '#cli/service/trust.ts'
import { newClientId } from './acquire.ts'
import { checkName, shared, wait } from './lock-flags.ts'

const help = `Waits for the lock, runs the command, and releases the lock when the command has ended. The command finds LOCKSTEP_LOCK, the name, and
LOCKSTEP_FENCING_TOKEN in its environment. Signals are passed on to it. When the lock is lost, because no node could be reached for too
long, say, the command and all that it has begun get SIGTERM before anybody else can have the lock, and after --grace SIGKILL. Ctrl-C while
waiting leaves the queue.

Examples:
  lockstep run --lock backup -- ./backup.sh --all
  lockstep run --lock nightly --wait 0 -- make report      # somebody else does it already: exit code 75
  lockstep run --lock db --shared -- sh -c 'echo "token $LOCKSTEP_FENCING_TOKEN"'

Exit codes: that of the command, 128 + n if signal n ended it, 75 the lock was not to be had within --wait, 79 the lock was lost,
69 no node answered, 126 the command may not be executed, 127 it was not found`

const { sessionTtlMsMin, ttlMsMax } = lockApiLimits

export const runCommand = (connect: Connect): Command =>
  defineCommand({
    name: 'run',
    summary: 'run a command under a lock',
    operands: '[--] COMMAND [ARGUMENT…]',
    passesOn: true,
    help,
    flags: {
      lock: required(patternText('NAME', 'the lock', { pattern: /^[^]+$/, rule: 'a name' })),
      shared,
      wait: withDefault(wait('how long to wait for the lock; for ever by default, 0 does not wait'), Infinity),
      ttl: withDefault(
        duration('DURATION', 'after so long without a word from here the lock is lost; 10s', { min: sessionTtlMsMin, max: ttlMsMax }),
        lockDefaults.session_ttl_ms,
      ),
      grace: withDefault(duration('DURATION', 'between SIGTERM and SIGKILL when the lock is lost; 5s', { min: 0, max: 3_600_000 }), 5_000),
      url: serviceFlags.url,
      timeout: serviceFlags.timeout,
      ...trustFlags,
      'api-token': serviceFlags['api-token'],
    },
    read(values, operands, mistakes) {
      checkName(values.lock, mistakes)
      if (operands.length === 0) mistakes.push('the COMMAND must be given, behind --')
      return { ...values, command: operands }
    },
    async run({ lock: name, shared: isShared, wait: waitMs, ttl: ttlMs, grace: graceMs, command, ...service }) {
      const clientId = newClientId(basename(command[0] ?? ''))
      const client = clientOf(service)
      const held = await interruptible((signal) => holdLock(client, name, { connect, clientId, shared: isShared, ttlMs, waitMs, signal }))
      const env = { ...process.env, LOCKSTEP_LOCK: name, LOCKSTEP_FENCING_TOKEN: String(held.token) }
      const tell = (): void => say(`the lock ${JSON.stringify(name)} is lost: ${(held.lost.reason as Error).message}`)
      held.lost.addEventListener('abort', tell)
      const ending = await runChild(command, { env, kill: held.lost, graceMs })
      // A lock that cannot be given back ends too, and that is no loss.
      const isLost = held.lost.aborted
      held.lost.removeEventListener('abort', tell)
      await release(held, ttlMs)
      if (isLost) return exitCodes.lost
      return exitCodeOf(ending, command[0] ?? '')
    },
  })

/** What the command did is done, whether or not the lock can be given back at once. */
async function release(held: HeldLock, ttlMs: number): Promise<void> {
  try {
    await held.release()
  } catch (error) {
    say(`the lock could not be released, and ends within ${ttlMs} ms: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** As shells have it; of one that could not be started it says why. */
export function exitCodeOf(ending: ChildEnding, command: string): number {
  switch (ending.type) {
    case 'exited':
      return ending.code
    case 'signalled':
      return signalExitCode(constants.signals[ending.signal])
    case 'not-started':
      say(`${command} cannot be run: ${ending.code === 'ENOENT' ? 'there is no such command' : ending.code}`)
      return ending.code === 'ENOENT' ? exitCodes.notFound : exitCodes.notExecutable
  }
}

const say = (line: string): void => errorScreen.print(`lockstep: ${line}\n`)
