import { receiptPattern } from '#api/queues/receipt.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { printJson } from '#cli/output/terminal.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { queueClientOf, queueServiceFlags } from '#cli/service/service-flags.ts'

const help = `A RECEIPT means the delivery that it came with, and is refused when somebody else has the message by now. The id of a message will do too:
then any delivery of it is acked.

Examples:
  lockstep ack 00070000-0000-802a-8000-1f2e3d4c5b6a.1
  receipt=$(lockstep consume orders --keep --json | jq -r .receipt) && ./ship.sh && lockstep ack "$receipt"

Exit codes: 0, 1 refused: no such message any more, or somebody else has it, 69 no node answered`

export const ackCommand: Command = defineCommand({
  name: 'ack',
  summary: 'tell a queue that a message is done',
  operands: 'RECEIPT',
  help,
  flags: queueServiceFlags,
  read(values, [receipt = '', ...more], mistakes) {
    if (receipt === '') mistakes.push('the RECEIPT must be given')
    if (more.length > 0) mistakes.push('one RECEIPT at a time')
    return { ...values, which: new RegExp(receiptPattern).test(receipt) ? { receipt } : { message_id: receipt } }
  },
  async run({ which, json, ...service }) {
    const answer = orRefused(await queueClientOf(service).call(queueRoutes.ack, () => which))
    if (json) printJson(answer)
    return exitCodes.done
  },
})
