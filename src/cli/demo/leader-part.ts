import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes as routes } from '#api/locks/routes.ts'
import { sendSignal } from '#cli/hold/processes.ts'
import type { DemoNode, Processes, Setting } from './setting.ts'
import type { Stage } from './stage.ts'

/** The leader of the locks is killed while a client holds one. */
export async function leaderPart(stage: Stage, { lock: nodes, tag }: Setting, processes: Processes): Promise<void> {
  const name = `critical-${tag}`
  const mine = { resource_id: name, client_id: 'client_A' }
  await stage.step('client_A takes a lock that has no end')
  const granted = await stage.answered(nodes[0], routes.acquire, { ...mine, ttl_ms: 0, wait_ms: 0 })
  const token = granted.status === 'granted' ? granted.fencing_token : 0
  stage.check('it is granted', token > 0)

  const { leader: leaderId, term } = await stage.answered(nodes[1], commonRoutes.describe, {})
  const leader = nodes.find(({ id }) => id === leaderId)
  const pid = leader === undefined ? null : processes.pidOf(leader)
  if (leader === undefined || pid === null) {
    stage.skip(`the process of ${leaderId ?? 'the leader'} is not to be found on this machine, so it cannot be killed`)
    await stage.answered(nodes[0], routes.release, mine)
    return
  }
  const left = nodes.filter((node) => node !== leader)
  await stage.step(`${leader.id} leads in term ${term}: its process, ${pid}, is killed`)
  stage.show(`$ kill -KILL ${pid}`)
  sendSignal(pid, 'SIGKILL')
  await stage.until(`process ${pid} is dead`, async () => (sendSignal(pid, 0) ? null : true))
  const { leader: next, term: newTerm } = await elected(stage, left, leaderId)
  stage.check(`in a later term, ${newTerm}`, newTerm > term)
  await stillHeld(stage, left, { name, token, next })

  await stage.step(`${leader.id} comes back`)
  // Where `up` watches over it, it is started again in two seconds.
  const back = await stage.until(`${leader.id} is ready`, () => readyOr(stage, leader), backMs)
  if (!back) return
  const own = await stage.answered(leader, routes.lock, { resource_id: name })
  stage.check(`${leader.id} knows who holds the lock, from those who went on without it`, own.holders[0]?.fencing_token === token)
  await stage.answered(leader, routes.release, { ...mine, fencing_token: token })
  const { holder_count: holders, waiter_count: waiters } = await stage.answered(left[0] ?? leader, routes.lock, { resource_id: name })
  stage.check('client_A has given it back', holders + waiters === 0)
}

const backMs = 60_000

async function readyOr(stage: Stage, node: DemoNode): Promise<true | null> {
  return (await stage.quietly(node, commonRoutes.ready, {}, { timeoutMs: 1_000 })).type === 'answered' ? true : null
}

/** All that are left must agree. */
function elected(
  stage: Stage,
  left: readonly DemoNode[],
  dead: string | null,
): Promise<{ readonly leader: string; readonly term: number }> {
  return stage.until('the others have elected a leader, and agree on it', async () => {
    const replies = await Promise.all(left.map((node) => stage.quietly(node, commonRoutes.describe, {}, { timeoutMs: 1_000 })))
    const views = replies.flatMap((reply) => (reply.type === 'answered' ? [reply.body] : []))
    const [first] = views
    if (first === undefined || views.length < left.length || first.leader === null || first.leader === dead) return null
    const agree = views.every(({ leader, term }) => leader === first.leader && term === first.term)
    return agree ? { leader: first.leader, term: first.term } : null
  })
}

interface Held {
  readonly name: string
  readonly token: number
  readonly next: string
}

async function stillHeld(stage: Stage, left: readonly DemoNode[], { name, token, next }: Held): Promise<void> {
  await stage.step(`${next} leads now: has the lock survived?`)
  for (const node of left) {
    const { holders } = await stage.answered(node, routes.lock, { resource_id: name })
    const [holder] = holders
    stage.check(
      `${node.id}: client_A holds it, token ${token} as before`,
      holder?.client_id === 'client_A' && holder.fencing_token === token,
    )
  }
  const [node] = left
  if (node === undefined) return
  const rival = { resource_id: name, client_id: 'client_B' }
  const queued = await stage.answered(node, routes.acquire, rival)
  stage.check('nobody else can have it', queued.status === 'queued')
  await stage.answered(node, routes.release, rival)
}
