import { setTimeout as rest } from 'node:timers/promises'
import { startedClusters } from '#test/harness/nine-nodes.ts'
import type { Service } from '#test/harness/nine-nodes.ts'
import { carriedBy, doneOf, sendTwice, sum } from './carried.ts'
import { prepare, ways } from './kinds.ts'
import { LoadLine } from './load-line.ts'
import { MemoryLog } from './memory-log.ts'
import { shedLine, wrongLine } from './outcomes.ts'
import type { Paced } from './pace.ts'
import { heldBeside, leadersOf, urlsOf, waitsOf } from './standing.ts'

/**
 * Real nodes, three of each service, under twice the load that they were seen to carry, over both ways. Errors may only be those of a service that sheds load, no lock may be
 * lost, memory must stay where it is, and soon after the load everything must go as before.
 */
const timing = { recoveryMs: 10_000, promptMs: 500, promptTimes: 5, closeMs: 3_000 } as const
/** A load that its own process was too slow for is not the load that was meant. */
const paceKept = 0.9
/** Of twice what is carried, half is; who carries more than this was measured at a bad moment. */
const doneShareMax = 0.8

export interface Overload {
  /** What should not have been. */
  readonly wrong: readonly string[]
}

interface OverloadOptions {
  readonly seconds: number
  readonly services: readonly Service[]
  readonly say: (line: string) => void
}

export async function runOverload({ seconds, services, say }: OverloadOptions): Promise<Overload> {
  await using owner = new AsyncDisposableStack()
  const clusters = await startedClusters(owner, services)
  const nodes = services.flatMap((service) => clusters[service].nodes)
  const urls = urlsOf(clusters)
  await prepare(urls)
  const memory = new MemoryLog(nodes)
  await memory.sample()
  await using load = new AsyncDisposableStack()
  const lines: LoadLine[] = []
  for (const way of ways) for (const service of services) lines.push(await LoadLine.start(service, way, urls, load))

  const rates = await carriedBy(lines, say)
  for (const [at, { name }] of lines.entries())
    say(`${name}: carries ${(rates[at] ?? 0).toFixed(0)} a second; twice that is sent, at least`)

  const lost = await heldBeside(urls, owner)
  const leaders = await leadersOf(nodes)
  const [forMs, startedAt] = [seconds * 1_000, performance.now()]
  const watching = memory.watch(() => performance.now() >= startedAt + forMs, say)
  const running = sendTwice(lines, rates, forMs, say)
  const recovery = recovered(lines, startedAt + forMs)
  const ran = await running
  const wrong = [...outcomesOf(lines, ran, say), ...loadOf(lines, ran)]
  await watching

  for (const node of nodes) say(await waitsOf(node))
  for (const { name, ms } of await recovery) {
    say(`${name}: ${ms === null ? 'did not recover' : `as before ${ms.toFixed(0)} ms after the load`}`)
    if (ms === null || ms > timing.recoveryMs) wrong.push(`${name} had not recovered ${timing.recoveryMs} ms after the load`)
  }
  wrong.push(...lost())
  const now = await leadersOf(nodes)
  say(`${now.difference(leaders).size} of ${leaders.size} groups were led anew`)
  await load.disposeAsync()
  await rest(timing.closeMs)
  await memory.sample()
  return { wrong: [...wrong, ...memory.judge(say), ...nodes.filter(({ running: runs }) => !runs).map(({ id }) => `${id} has ended`)] }
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

/** What shows that it was no overload is wrong, too. */
function loadOf(lines: readonly LoadLine[], ran: readonly Paced[]): readonly string[] {
  const late = ran.flatMap(({ begun, meant }, at) =>
    begun === 0 || begun < paceKept * meant
      ? [`${lines[at]?.name}: only ${percent(begun / meant)} of the load that was meant was sent`]
      : [],
  )
  const share = doneOf(ran) / sum(ran.map(({ begun }) => begun))
  return !(share <= doneShareMax) ? [...late, `${percent(share)} of the load was carried: it was not twice what can be`] : late
}

/** Says what became of the operations; what did not end as it may is wrong. */
function outcomesOf(lines: readonly LoadLine[], ran: readonly Paced[], say: (line: string) => void): readonly string[] {
  return ran.flatMap(({ begun, meant, openMax, counts: { done, shed, wrong } }, at) => {
    const name = lines[at]?.name ?? ''
    say(
      `${name}: ${begun} begun (${percent(begun / meant)}), ${done} done, at most ${openMax} open; shed: ${shedLine(shed)}; wrong: ${wrongLine(wrong)}`,
    )
    return Object.keys(wrong).length === 0 ? [] : [`${name} ended with ${wrongLine(wrong)}`]
  })
}

/** When each kind of operation was prompt again, several times in a row. */
async function recovered(
  lines: readonly LoadLine[],
  endsAt: number,
): Promise<readonly { readonly name: string; readonly ms: number | null }[]> {
  await rest(Math.max(0, endsAt - performance.now()))
  return Promise.all(
    lines.map(async (line) => {
      let prompt = 0
      while (performance.now() - endsAt < 6 * timing.recoveryMs) {
        const ms = await line.probe()
        prompt = ms !== null && ms <= timing.promptMs ? prompt + 1 : 0
        if (prompt === timing.promptTimes) return { name: line.name, ms: performance.now() - endsAt }
        await rest(20)
      }
      return { name: line.name, ms: null }
    }),
  )
}
