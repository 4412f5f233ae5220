import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { lockApiLimits, lockDefaults } from '#api/locks/limits.ts'
import { defineCommand, onlyOperand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { roughDuration } from '#cli/flags/duration.ts'
import { duration, withDefault } from '#cli/flags/kinds.ts'
import { interruptible } from '#cli/interrupts.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import { acquireLock } from '#cli/service/acquire-lock.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'
import { checkName, client, shared, wait } from './lock-flags.ts'

const help = `Prints the fencing token: give it to 'lockstep release', and pass it on with what you do under the lock, so that what you write
to can refuse whoever is late. The lock ends by itself after --ttl. To hold one for as long as a command runs, use 'lockstep run'.

Examples:
  token=$(lockstep acquire backup --wait 10s) && { ./backup.sh; lockstep release backup --token "$token"; }
  lockstep acquire db_table --shared --client reporting --ttl 5m

Exit codes: 0 acquired, 75 not free within --wait, 1 refused (a deadlock, say), 69 no node answered, 130 interrupted`

export const acquireCommand: Command = defineCommand({
  name: 'acquire',
  summary: 'take a lock, and print its fencing token',
  operands: 'NAME',
  help,
  flags: {
    client: client('who holds it; a name of its own by default. Who acquires again under the same name has it already'),
    shared,
    ttl: withDefault(
      duration('DURATION', 'how long it is held unless released; 60s. 0 is until released', { min: 0, max: lockApiLimits.ttlMsMax }),
      lockDefaults.ttl_ms,
    ),
    wait: withDefault(wait('how long to wait in its queue; 0, which does not wait'), 0),
    ...serviceFlags,
  },
  read({ client: given, ...values }, operands, mistakes) {
    const name = onlyOperand('the NAME of the lock', operands, mistakes)
    checkName(name, mistakes)
    return { ...values, name, clientId: given ?? newClientId() }
  },
  async run({ name, clientId, shared: isShared, ttl, wait: waitMs, json, ...service }) {
    const request = {
      resource_id: name,
      client_id: clientId,
      lock_type: isShared ? ('shared' as const) : ('exclusive' as const),
      ttl_ms: ttl,
    }
    const granted = orRefused(await interruptible((signal) => acquireLock(clientOf(service), request, { waitMs, signal })))
    if (json) printJson(granted)
    else screen.print(`${granted.fencing_token}\n`)
    const end = granted.ttl_ms === null ? 'until released' : `for ${roughDuration(granted.ttl_ms)}`
    if (!json && errorScreen.isTerminal) errorScreen.print(`held by ${clientId}, ${granted.lock_type}, ${end}\n`)
    return exitCodes.done
  },
})

/** Nobody else's, so that two who acquire exclude each other. */
export const newClientId = (what = userInfo().username): string =>
  `${what.slice(0, 24)}@${hostname().slice(0, 24)}/${randomBytes(4).toString('hex')}`
