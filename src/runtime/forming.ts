import { isSane, sameTiming } from '#core/cluster/timing.ts'
import type { Formation, Timing } from '#core/cluster/types.ts'
import type { Hello } from '#wire/peer-message.ts'

/**
 * How a node without a cluster finds or forms one (decision R3).
 *
 * Problem: nodes that see different parts of the world must not form two clusters, for their ids would keep them apart for ever.
 * Idea: only an explicit list of initial voters forms a cluster, and only when every one of them has answered, names the same list and the
 * same constants, and belongs to no cluster. The first of the list then writes the formation, for itself first, and hands it out.
 * Obstacles: the first may crash in between; whoever has the formation passes it on, and a node takes it exactly when it is named in it
 * with the very incarnation it still has, for then it has lost nothing. Otherwise it joins as a newcomer, and waits if it cannot. And a
 * formation is passed on only from a disk: one that was told, taken over and then lost in a crash would leave its taker behind alone, while
 * the others form the next.
 */
export type FormingStep =
  /** Nothing to do until somebody else is heard. */
  | { readonly type: 'wait'; readonly reason: string }
  | { readonly type: 'adopt'; readonly formation: Formation }
  | { readonly type: 'form'; readonly founders: readonly Hello[] }
  | { readonly type: 'join'; readonly via: string }
  /** This node's configuration contradicts the others': a person must mend it. */
  | { readonly type: 'refuse'; readonly code: 'timing-differs' | 'timing-unsafe' | 'voters-differ' | 'name-taken'; readonly detail: string }

/** What to do, given who we are and the newest hello of everybody who was heard. */
export function nextFormingStep(self: Hello, heard: readonly Hello[]): FormingStep {
  const own = heard.find(({ formation }) => formation !== null && isFounder(self, formation))
  const formed = own ?? heard.find(({ formation }) => formation !== null)
  if (formed?.formation) return stepTowards(self, formed, formed.formation)
  if (self.voters.length === 0) return { type: 'wait', reason: 'no node of a cluster was reached yet' }
  const others = self.voters.filter((address) => address !== self.address)
  const byAddress = new Map(heard.map((hello) => [hello.address, hello]))
  const missing = others.filter((address) => !byAddress.has(address))
  if (missing.length > 0) return { type: 'wait', reason: `waiting for ${missing.join(', ')}` }
  const founders = [self, ...others.map((address) => byAddress.get(address) as Hello)]
  const conflict = conflictAmong(founders)
  if (conflict !== null) return conflict
  // The cluster would refuse them, and a formation that is stored cannot be taken back.
  if (!isSane(self.timing)) return { type: 'refuse', code: 'timing-unsafe', detail: `no cluster runs ${JSON.stringify(self.timing)}` }
  if (self.voters[0] !== self.address) return { type: 'wait', reason: `${self.voters[0]} forms the cluster` }
  return { type: 'form', founders }
}

function stepTowards(self: Hello, formed: Hello, formation: Formation): FormingStep {
  if (isFounder(self, formation)) return { type: 'adopt', formation }
  return sameTiming(self.timing, formed.timing) ? { type: 'join', via: formed.name } : timingDiffers(self.timing, formed)
}

/** Of a cluster that was recovered nobody is: what it began with is over. */
function isFounder(self: { readonly name: string; readonly incarnation: string }, formation: Formation): boolean {
  return (
    formation.recovery === null && formation.members.some(({ name, incarnation }) => name === self.name && incarnation === self.incarnation)
  )
}

function conflictAmong(founders: readonly Hello[]): FormingStep | null {
  const [self] = founders as readonly [Hello]
  for (const other of founders) {
    if (!sameTiming(self.timing, other.timing)) return timingDiffers(self.timing, other)
    if (other.voters.join() !== self.voters.join()) {
      const detail = `${other.name} has the voters ${other.voters.join(', ')}, this node has ${self.voters.join(', ')}`
      return { type: 'refuse', code: 'voters-differ', detail }
    }
  }
  const names = new Set(founders.map(({ name }) => name))
  return names.size === founders.length
    ? null
    : { type: 'refuse', code: 'name-taken', detail: 'two of the initial voters have the same name' }
}

function timingDiffers(ours: Timing, other: Hello): FormingStep {
  const detail = `${other.name} runs ${JSON.stringify(other.timing)}, this node was given ${JSON.stringify(ours)}`
  return { type: 'refuse', code: 'timing-differs', detail }
}
