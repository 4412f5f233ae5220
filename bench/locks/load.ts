import { connectClients } from '#bench/locks/clients/kinds.ts'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import { drive } from './drive.ts'
import type { Plan } from './drive.ts'
import type { LoadAnswer } from './load-process.ts'

/**
 * The load generator, a process of its own: carries out the plans that its parent sends, one at a time, and answers each.
 *
 *     node load.ts KIND ADDRESS...
 */
const [kind, ...addresses] = process.argv.slice(2)

async function answerTo(plan: Plan): Promise<LoadAnswer> {
  try {
    await using clients = await connectClients(kind as ClientKind, addresses)
    const before = process.cpuUsage()
    const measured = await drive(clients, plan)
    const { user, system } = process.cpuUsage(before)
    return { type: 'measured', measured, cpuMs: (user + system) / 1_000 }
  } catch (error) {
    return { type: 'failed', problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (plan: Plan) => void answerTo(plan).then((answer) => process.send?.(answer)))
process.on('disconnect', () => process.exit())
