import { encodeCommand } from '#core/lock/command-codec.ts'
import type { DeadlockMode } from '#core/lock/types.ts'
import { resourceName } from '#core/lock/types.ts'
import { lockGroup } from '#services/lock/limits.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { World } from '#sim/workload.ts'
import type { HolderPorts } from './holder.ts'

/** Who runs the cluster: looks at the locks, sets how deadlocks are dealt with, and now and then takes a lock away. */
export async function runOperator(ports: HolderPorts, world: World): Promise<void> {
  const { actor, options, isOver } = ports
  while (!isOver()) {
    await actor.think(3_000)
    if (isOver()) return
    const kind = actor.prng.float()
    if (kind < 0.1) await configure(ports, world, actor.prng.pick(options.deadlockModes))
    else if (kind < 0.2 && options.forces) await force(ports)
    else if (kind < 0.35) await lookAtDeadlocks(ports)
    else await look(ports)
  }
}

/** There is no call for it: it is proposed as the service would. */
async function configure({ actor, did }: HolderPorts, world: World, mode: DeadlockMode): Promise<void> {
  const formed = world.cluster.alive.filter(({ node }) => node?.cluster)
  if (formed.length === 0) return
  const { machine, node } = actor.prng.pick(formed)
  did('configure')
  world.trace.line(actor.id, 'configure', { mode })
  machine.run(machine.life, () => {
    node?.submit(lockGroup, encodeCommand({ type: 'configure', mode }), { timeoutMs: 3_000, done: () => {} })
  })
  await actor.sleep(1)
}

async function force({ actor, options, did }: HolderPorts): Promise<void> {
  const resource = `hot-${actor.prng.between(1, options.hot)}`
  did('force-release')
  await actor.call('force-release', (locks, call) => locks.forceRelease({ resource_id: resource }, call))
}

async function lookAtDeadlocks({ actor, did }: HolderPorts): Promise<void> {
  did('look-at-deadlocks')
  await actor.call('look-at-deadlocks', async (locks, call) => {
    const told = await locks.deadlocks({ consistency: 'local' }, call)
    return told.ok ? { ok: true, value: told.value.found } : told
  })
}

/** Who is listed as a holder held it at some time between the question and the answer. */
async function look({ actor, ledger, did }: HolderPorts): Promise<void> {
  did('look')
  const { told, sentAt } = await actor.call('look', async (locks, call) => {
    const view = await locks.locks({ limit: 50 }, call)
    return view.ok ? { ok: true, value: view.value.locks.map(({ resource_id: name, holders }) => ({ name, holders })) } : view
  })
  if (!told.ok) return
  for (const { name, holders } of told.value) {
    for (const { client_id: client, fencing_token: token } of holders) {
      const until = ledger.grant(token)?.until
      if (until !== null && (until ?? 0) < sentAt)
        throw new Violation(`${client} was listed as a holder of ${resourceName(name)} by token ${token}, which was over before`)
    }
  }
}
