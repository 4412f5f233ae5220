import type { MembersView } from '#api/common/operators.ts'
import { roughDuration } from '#cli/flags/duration.ts'
import { printable, tableOf } from './table.ts'
import type { Screen } from './terminal.ts'

type Paper = Pick<Screen, 'isTerminal' | 'paint'>
type Member = MembersView['members'][number]

/** One row for each member; on a terminal also what moves, and the constants. `nowMs` is since 1970. */
export function membersText(view: MembersView, paper: Paper, nowMs: number): string {
  const head = ['NODE', 'ADDRESS', 'STATE', 'SINCE', 'SILENT', 'META', 'REPLICAS', 'LEADS']
  const table = tableOf(
    head,
    view.members.map((member) => rowOf(member, paper, nowMs)),
    paper,
  )
  if (!paper.isTerminal) return table
  const { constants, dead_after_ms: deadAfterMs, pinned_slots: pinned } = view
  const lines = [
    ...view.moves.map(({ slot, from, to, step }) => `slot ${slot}: ${from ?? '-'} → ${to ?? '-'} (${step})`),
    view.moves_left === 0 ? 'no replica has to move' : `${view.moves_left} replicas have to move`,
    ...(pinned.length === 0 ? [] : [`leaders chosen by hand of slots ${pinned.join(', ')}: lockstep cluster rebalance undoes it`]),
    ...(constants === null
      ? []
      : [
          `heartbeat ${constants.heartbeat_ms} ms, election ${constants.election_min_ms}-${constants.election_max_ms} ms, lease ${constants.lease_ms} ms, dead after ${deadAfterMs ?? '?'} ms`,
        ]),
  ]
  return `${table}\n${lines.join('\n')}\n`
}

function rowOf(member: Member, { paint }: Paper, nowMs: number): readonly string[] {
  const { node_id: id, address, state, since, silent_ms: silentMs, voter, replicas, leads } = member
  const painted = state === 'active' ? paint('green', state) : paint(state === 'dead' ? 'red' : 'yellow', state)
  return [
    printable(id),
    printable(address),
    painted,
    since === null ? '-' : roughDuration(nowMs - Date.parse(since)),
    silentMs === null ? '-' : roughDuration(silentMs),
    voter ? 'voter' : 'learner',
    String(replicas),
    String(leads),
  ]
}
