import { lockRoutes } from '#api/locks/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand, onlyOperand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { integer } from '#cli/flags/kinds.ts'
import { printJson, errorScreen } from '#cli/output/terminal.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'
import { checkName, client } from './lock-flags.ts'

const help = `Say who holds it, or which grant is meant, or both. With the token a late copy of this command does no harm to a newer holder.

Examples:
  lockstep release backup --token 7
  lockstep release db_table --client reporting

Exit codes: 0 released, 1 refused: it was not held, or not so, 69 no node answered`

export const releaseCommand: Command = defineCommand({
  name: 'release',
  summary: 'give a lock back',
  operands: 'NAME',
  help,
  flags: {
    client: client('who holds it'),
    token: integer('TOKEN', 'which grant is meant, as acquire printed it', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    ...serviceFlags,
  },
  read(values, operands, mistakes) {
    const name = onlyOperand('the NAME of the lock', operands, mistakes)
    checkName(name, mistakes)
    if (values.client === undefined && values.token === undefined) mistakes.push('--token or --client must be given')
    return { ...values, name }
  },
  async run({ name, client: given, token, json, ...service }) {
    const asked = clientOf(service)
    const clientId = given ?? (await holderOf(asked, name, token ?? 0))
    const grant = token === undefined ? {} : { fencing_token: token }
    const released = orRefused(await asked.call(lockRoutes.release, () => ({ resource_id: name, client_id: clientId, ...grant })))
    if (json) printJson(released)
    else if (errorScreen.isTerminal) errorScreen.print('released\n')
    return exitCodes.done
  },
})

/** Who holds a lock by a token. */
async function holderOf(asked: ServiceClient, name: string, token: number): Promise<string> {
  const { holders } = orRefused(await asked.call(lockRoutes.lock, () => ({ resource_id: name })))
  const holder = holders.find(({ fencing_token: its }) => its === token)
  if (holder === undefined) {
    const now = holders.length === 0 ? 'nobody holds it' : `its tokens are ${holders.map(({ fencing_token: its }) => its).join(', ')}`
    throw new CommandError(exitCodes.refused, `not_holder: nobody holds ${JSON.stringify(name)} by the token ${token}: ${now}`)
  }
  return holder.client_id
}
