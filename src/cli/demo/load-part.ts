import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { runLoad } from '#cli/load/load.ts'
import { loadText } from '#cli/output/load-view.ts'
import type { Setting } from './setting.ts'
import type { Stage } from './stage.ts'

const clients = 16
const ms = 2_000

/** Many clients at a time, by the client library. */
export async function loadPart(stage: Stage, { connect, tag, lock, queue, cache }: Setting): Promise<void> {
  await stage.step(`${clients} clients at a time, ${ms / 1_000} s for each service; each answer is checked`)
  const { signal } = stage
  const services = ['lock', 'queue', 'cache'] as const
  const done = await runLoad({ services, connect, tag, clients, ms, signal, progress: (line) => stage.progress(line) })
  stage.print(loadText(done, stage.paper).replaceAll(/^(?=.)/gm, '  '))
  for (const { name, operations, wrong } of done.works)
    stage.check(`${name}: ${operations}, and no answer was wrong`, operations > 0 && wrong.length === 0)

  await stage.step('and nothing of it is left')
  const held = await stage.answered(lock[2], lockRoutes.locks, { prefix: `bench-${tag}` })
  stage.check(`no lock, says ${lock[2].id}`, held.locks.length === 0)
  const queues = await stage.answered(queue[1], queueRoutes.queues, { prefix: `bench-${tag}` })
  stage.check(`no queue, says ${queue[1].id}`, queues.queues.length === 0)
  const all = [...lock, ...queue, ...cache]
  const ready = await Promise.all(all.map((node) => stage.quietly(node, commonRoutes.ready, {})))
  stage.check(
    `all ${all.length} nodes are ready for more`,
    ready.every(({ type }) => type === 'answered'),
  )
}
