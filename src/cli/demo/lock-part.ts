import { lockRoutes as routes } from '#api/locks/routes.ts'
import type { LockDetail } from '#api/locks/views.ts'
import type { DemoNode, Setting } from './setting.ts'
import type { Stage } from './stage.ts'

/** Exclusive and shared locks, the queue behind them, and a deadlock. */
export async function lockPart(stage: Stage, setting: Setting): Promise<void> {
  await exclusive(stage, setting)
  await shared(stage, setting)
  await deadlock(stage, setting)
}

const holdersOf = ({ holders }: LockDetail): string => holders.map(({ client_id: client }) => client).join(', ')
const waitersOf = ({ waiters }: LockDetail): string => waiters.map(({ client_id: client }) => client).join(', ')
const look = (stage: Stage, node: DemoNode, name: string): Promise<LockDetail> => stage.answered(node, routes.lock, { resource_id: name })

async function exclusive(stage: Stage, { lock: [first, second, third], tag }: Setting): Promise<void> {
  const name = `db_table-${tag}`
  const a = { resource_id: name, client_id: 'client_A' }
  const b = { resource_id: name, client_id: 'client_B' }
  await stage.step(`client_A takes an exclusive lock, at ${first.id}`)
  const granted = await stage.answered(first, routes.acquire, { ...a, lock_type: 'exclusive' })
  stage.check('it is granted, with a fencing token', granted.status === 'granted' && granted.fencing_token > 0)
  const token = granted.status === 'granted' ? granted.fencing_token : 0
  const held = await look(stage, second, name)
  stage.check(`${second.id} says so too`, holdersOf(held) === 'client_A' && held.holders[0]?.fencing_token === token)

  await stage.step(`client_B wants the same lock, at ${second.id}`)
  const queued = await stage.answered(second, routes.acquire, { ...b, lock_type: 'exclusive' })
  stage.check('it has to wait, and is next', queued.status === 'queued' && queued.position === 1)
  stage.check(`${third.id} has client_B in the queue`, waitersOf(await look(stage, third, name)) === 'client_B')

  await stage.step(`client_A releases it, at ${third.id}`)
  const { granted_to: heirs } = await stage.answered(third, routes.release, a)
  const newer = heirs[0]?.fencing_token ?? 0
  stage.check('client_B has it in the same moment, with a larger token', heirs[0]?.client_id === 'client_B' && newer > token)
  stage.check(`${first.id} says so too`, holdersOf(await look(stage, first, name)) === 'client_B')
  const late = await stage.answered(second, routes.check, { resource_id: name, fencing_token: token })
  stage.check('what client_A still writes under its old token is refused by whoever asks', !late.valid)
  await stage.answered(first, routes.release, b)
}

async function shared(stage: Stage, { lock: [first, second, third], tag }: Setting): Promise<void> {
  const name = `config_file-${tag}`
  const by = (client: string) => ({ resource_id: name, client_id: client })
  await stage.step(`two readers share a lock, one at ${first.id} and one at ${second.id}`)
  const one = await stage.answered(first, routes.acquire, { ...by('reader_1'), lock_type: 'shared' })
  const two = await stage.answered(second, routes.acquire, { ...by('reader_2'), lock_type: 'shared' })
  stage.check('both have it', one.status === 'granted' && two.status === 'granted')
  stage.check(`${third.id} names both`, holdersOf(await look(stage, third, name)) === 'reader_1, reader_2')

  await stage.step('a writer comes, and then one more reader')
  const writer = await stage.answered(third, routes.acquire, { ...by('writer'), lock_type: 'exclusive' })
  const late = await stage.answered(first, routes.acquire, { ...by('reader_3'), lock_type: 'shared' })
  stage.check('the writer waits for the readers', writer.status === 'queued' && writer.position === 1)
  stage.check('the late reader does not pass it', late.status === 'queued' && late.position === 2)

  await stage.step('the readers leave')
  await stage.answered(second, routes.release, by('reader_1'))
  await stage.answered(first, routes.release, by('reader_2'))
  const now = await look(stage, second, name)
  stage.check(`the writer has it, and reader_3 waits, says ${second.id}`, `${holdersOf(now)} < ${waitersOf(now)}` === 'writer < reader_3')
  await stage.answered(third, routes.release, by('writer'))
  await stage.answered(third, routes.release, by('reader_3'))
  const { holder_count: holders, waiter_count: waiters } = await look(stage, first, name)
  stage.check(`nothing of it is left, says ${first.id}`, holders + waiters === 0)
}

/** Of the wait within. */
const waitMs = 30_000

async function deadlock(stage: Stage, { lock: [first, second, third], tag }: Setting): Promise<void> {
  const [accounts, stock] = [`accounts-${tag}`, `stock-${tag}`]
  const [a, b] = [`client_A-${tag}`, `client_B-${tag}`]
  await stage.step(`a deadlock: ${a} holds accounts and ${b} holds stock`)
  await stage.answered(first, routes.acquire, { resource_id: accounts, client_id: a })
  await stage.answered(second, routes.acquire, { resource_id: stock, client_id: b })

  await stage.step(`${a} waits for stock, at ${third.id}`)
  const waiting = stage.begun(third, routes.acquire, { resource_id: stock, client_id: a, wait_ms: waitMs }, { timeoutMs: 2 * waitMs })
  await stage.until(`${first.id} has it in the queue`, async () => {
    const reply = await stage.quietly(first, routes.lock, { resource_id: stock })
    return reply.type === 'answered' && waitersOf(reply.body) === a ? true : null
  })

  await stage.step(`${b} wants accounts, at ${first.id}: each would wait for the other for ever`)
  const reply = await stage.call(first, routes.acquire, { resource_id: accounts, client_id: b, wait_ms: waitMs })
  const cycle = reply.type === 'refused' && reply.refusal.code === 'deadlock' ? reply.refusal['cycle'] : null
  stage.check(`it is refused at once, with the cycle ${b} → ${a} → ${b}`, JSON.stringify(cycle) === JSON.stringify([b, a]))
  const { recent } = await stage.answered(third, routes.deadlocks, {})
  stage.check(
    `${third.id} remembers who waited for whom`,
    recent.some(({ victim }) => victim === b),
  )

  await stage.step(`${b} lets go of stock`)
  await stage.answered(second, routes.release, { resource_id: stock, client_id: b })
  const ended = stage.shown<typeof routes.acquire>(await waiting)
  stage.check(`${a} has waited for that, and has both`, ended.type === 'answered' && ended.body.status === 'granted')
  stage.check(`${second.id} says so too`, holdersOf(await look(stage, second, stock)) === a)
  for (const name of [accounts, stock]) await stage.answered(first, routes.release, { resource_id: name, client_id: a })
}
