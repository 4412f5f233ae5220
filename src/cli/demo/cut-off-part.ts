import { randomUUID } from 'node:crypto'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import { jsonOf } from '#cli/flags/json-value.ts'
import { sendSignal } from '#cli/hold/processes.ts'
import type { DemoNode, Processes, Setting } from './setting.ts'
import type { Reply, Stage } from './stage.ts'

/** To stop a process for a while is a thing of POSIX. */
const canPause = process.platform !== 'win32'

/** A cache node that has a copy is cut off: first it stands still, then it runs and the others do. */
export async function cutOffPart(stage: Stage, { cache, tag }: Setting, processes: Processes): Promise<void> {
  const [first, second, third] = cache
  const pids = new Map(cache.flatMap((node) => [[node, processes.pidOf(node)] as const]))
  if (!canPause || [...pids.values()].includes(null)) {
    stage.skip(
      canPause ? 'the processes of the cache nodes are not to be found on this machine' : 'no process can be stopped for a while here',
    )
    return
  }
  const send = (node: DemoNode, signal: 'SIGSTOP' | 'SIGCONT'): void => {
    const pid = pids.get(node) ?? 0
    stage.show(`$ kill -${signal.slice(3)} ${pid}`)
    sendSignal(pid, signal)
  }
  const scene: Scene = { key: `price-${tag}`, stop: (node) => send(node, 'SIGSTOP'), go: (node) => send(node, 'SIGCONT') }
  try {
    await stoodStill(stage, scene, { writer: first, sleeper: third })
    await alone(stage, scene, { left: third, stopped: [first, second] })
  } finally {
    for (const pid of pids.values()) sendSignal(pid ?? 0, 'SIGCONT')
  }
  await stage.until(`${second.id} removes the value`, async () => {
    const reply = await stage.quietly(second, routes.delete, { key: scene.key })
    return reply.type === 'answered' ? true : null
  })
}

interface Scene {
  readonly key: string
  readonly stop: (node: DemoNode) => void
  readonly go: (node: DemoNode) => void
}

type ReadReply = Reply<typeof routes.read>
const valueOf = (reply: ReadReply): unknown => (reply.type === 'answered' ? reply.body.value : null)
const read = (stage: Stage, node: DemoNode, key: string): Promise<ReadReply> =>
  stage.quietly(node, routes.read, { key }, { timeoutMs: 10_000 })

/** For a node that stands still to show that it does. */
const silentMs = 1_000

async function stoodStill(
  stage: Stage,
  { key, stop, go }: Scene,
  { writer, sleeper }: { readonly writer: DemoNode; readonly sleeper: DemoNode },
): Promise<void> {
  await stage.step(`${sleeper.id} has a copy of a value, and is cut off: its process is stopped`)
  await written(stage, writer, { key, value: '1' })
  stage.check(`${sleeper.id} reads 1`, valueOf(await stage.call(sleeper, routes.read, { key })) === 1)
  stop(sleeper)

  await stage.step(`${writer.id} writes 2, and waits until the copy cannot be used any more`)
  await written(stage, writer, { key, value: '2' })
  const pending = stage.begun(sleeper, routes.read, { key }, { timeoutMs: 30_000 })
  const silent = await stage.call(sleeper, routes.read, { key }, { timeoutMs: silentMs })
  stage.check(`${sleeper.id} says nothing, and so nothing old`, silent.type === 'silent')

  await stage.step(`${sleeper.id} goes on, with its old copy and a question that has waited`)
  go(sleeper)
  const late = stage.shown<typeof routes.read>(await pending)
  stage.check('it answers 2, or that it cannot know: never 1', late.type === 'refused' || valueOf(late) === 2)
  await stage.until(`${sleeper.id} reads 2`, async () => (valueOf(await read(stage, sleeper, key)) === 2 ? true : null))
}

/** For what a node that is alone says to be looked at. */
const lookMs = 30_000

async function alone(
  stage: Stage,
  { key, stop, go }: Scene,
  { left, stopped }: { readonly left: DemoNode; readonly stopped: readonly DemoNode[] },
): Promise<void> {
  await stage.step(`${left.id} runs, and both others are stopped: it is alone`)
  stopped.forEach(stop)
  const seen = new Set<unknown>()
  const refusal = await stage.until(
    `${left.id} refuses to read rather than lie`,
    async () => {
      const reply = await read(stage, left, key)
      if (reply.type === 'answered') seen.add(reply.body.value)
      return reply.type === 'refused' ? reply.refusal : null
    },
    lookMs,
  )
  stage.show(JSON.stringify({ error: refusal }))
  stage.check(
    `while its lease lasted it answered 2 and nothing else`,
    [...seen].every((value) => value === 2),
  )
  const write = await stage.call(left, routes.write, { key, value: jsonOf('3', false), operation_id: randomUUID() }, { timeoutMs: 20_000 })
  stage.check('it does not take a write either', write.type === 'refused')

  await stage.step('the others go on')
  stopped.forEach(go)
  const after = await stage.until(`${left.id} answers again`, async () => {
    const reply = await read(stage, left, key)
    return reply.type === 'answered' ? { value: valueOf(reply) } : null
  })
  // A write that was given up may still be carried out.
  stage.check('with what was written', after.value === 2 || after.value === 3)
  for (const node of stopped) {
    await stage.until(`${node.id} reads the same`, async () => {
      const [here, there] = [await read(stage, node, key), await read(stage, left, key)]
      return here.type === 'answered' && there.type === 'answered' && here.body.value === there.body.value ? true : null
    })
  }
}

/** Under an id, so that it may be sent again when a home was lost meanwhile. */
async function written(stage: Stage, node: DemoNode, { key, value }: { readonly key: string; readonly value: string }): Promise<void> {
  const request = { key, value: jsonOf(value, false), operation_id: randomUUID() }
  const first = await stage.call(node, routes.write, request, { timeoutMs: 10_000 })
  if (first.type === 'answered') return
  await stage.until(`${node.id} has written ${value}, asked again`, async () => {
    const reply = await stage.quietly(node, routes.write, request, { timeoutMs: 10_000 })
    return reply.type === 'answered' ? true : null
  })
}
