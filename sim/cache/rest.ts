import type { AgentState } from '#core/cache/agent-state.ts'
import type { HomeState } from '#core/cache/home-state.ts'
import { slotId } from '#core/cache/types.ts'
import type { Part } from './coherence.ts'
import type { Ledger } from './ledger.ts'
import type { Watcher } from './watcher.ts'

/** What keeps the cache from rest when nobody asks for anything; null when nothing does. */
export function unrestOf(parts: readonly Part[], slots: number): string | null {
  const agents = new Set(parts.map(({ server }) => server.bus.agent.agent.state.id))
  for (const { at, server } of parts) {
    const open = openAt(server.bus.agent.agent.state)
    if (open !== null) return `the agent of ${at.name} ${open}`
  }
  for (let slot = 1; slot <= slots; slot++) {
    const homes = parts.flatMap(({ server }) => server.bus.homes.homeOf(slotId(slot))?.state ?? [])
    const home = homes.find(({ phase }) => phase === 'open')
    if (home === undefined) return `slot ${slot} has no home`
    const open = openAtHome(home)
    if (open !== null) return `the home of slot ${slot} ${open}`
    for (const { agent } of home.memory.sessions.values())
      if (!agents.has(agent)) return `slot ${slot} has a session of ${agent}, which is dead`
  }
  return null
}

function openAt({ activities, dirty, slots, lines, limits }: AgentState): string | null {
  const [activity] = activities.values()
  if (activity !== undefined) return `has something under way for ${activity.key}`
  if (dirty.size > 0) return `has ${dirty.size} dirty lines`
  if ([...slots.values()].some(({ open }) => open.size > 0)) return 'has open requests'
  return lines.byKey.size > limits.linesMax || lines.bytes > limits.lineBytesMax ? 'has more lines than it may' : null
}

function openAtHome({ queues, proposals, fills, clearing, sessions, directory, memory, limits, start }: HomeState): string | null {
  if (queues.size > 0) return `has ${queues.size} keys under way`
  if (proposals.size > 0) return `waits for ${proposals.size} proposals`
  if (fills.size > 0) return `has ${fills.size} tokens out`
  if (clearing.size > 0) return 'is clearing'
  if (directory.size > limits.directoryMax) return `has ${directory.size} keys in its directory`
  // One that refuses what is new still lets what is there grow.
  const { whenFull, bytesMax } = memory.capacity
  if (start.capacity !== null && (start.capacity.whenFull !== whenFull || start.capacity.bytesMax !== bytesMax))
    return 'has another capacity'
  if ([...memory.records.keys()].some((key) => memory.find(key) === null)) return 'has values of a namespace that was cleared'
  if (whenFull === 'lru' && memory.bytes > bytesMax) return `has ${memory.bytes} bytes of values`
  const late = [...sessions.values()].find(({ standing, replies }) => standing !== 'arrived' || replies.size > 0)
  return late === undefined ? null : `has ${late.replies.size} answers for ${late.agent}, which is ${late.standing}`
}

/** A watcher that has not been told what its key has by now. */
export function behind(watchers: readonly Watcher[], ledger: Ledger): string | null {
  for (const { watch } of watchers) {
    if (watch === null) continue
    const { value, version } = ledger.of(watch.key).last
    const told = watch.last
    if (told === null || told.value !== value || (value !== null && told.version !== version))
      return `who watches ${watch.key} at ${watch.at.name} was told ${told === null ? 'nothing' : `${told.value} of ${told.version}`}, and it is ${value} of ${version}`
  }
  return null
}
