import { assert, present } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { checkInvariants, checkProgress } from './invariants.ts'
import { ClusterMachine } from './machine.ts'
import { planLeaders, planMoves } from './planner.ts'
import type { Answer, ClusterState, Command, Context, Formation, MemberId, Move, MoveStep, Timing } from './types.ts'

export const timing: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }

export const nodeName = (at: number): string => `node-${at}`
const addressOf = (name: string): string => `http://${name}:7000`

/** Nodes node-1 … node-n, each in its first life. */
export function formationOf(members: number, overrides: Partial<Formation> = {}): Formation {
  const names = Array.from({ length: members }, (_, at) => nodeName(at + 1))
  return {
    clusterId: 'cluster-a',
    recovery: null,
    members: names.map((name) => ({ name, incarnation: '1', address: addressOf(name) })),
    slots: 32,
    replication: 3,
    timing,
    ...overrides,
  }
}

/** A machine whose invariants are checked after every command. */
export class TestCluster {
  readonly machine = new ClusterMachine()
  #index = 0

  constructor(formation: Formation | null = null) {
    if (formation !== null) this.do({ type: 'form', formation })
  }

  get state(): ClusterState {
    return present(this.machine.state, 'the cluster is formed')
  }

  do(command: Command): Answer {
    this.#index++
    const context: Context = { index: this.#index, time: millis(this.#index * 10), wall: wallMillis(0), version: 1 }
    const before = this.machine.state
    const answer = this.machine.apply(command, context)
    const after = this.machine.state
    if (after !== null) checkInvariants(after)
    if (before !== null && after !== null) checkProgress(before, after)
    return answer
  }

  /** Machine time of the last command. */
  get time(): number {
    return this.#index * 10
  }

  /** The code of a refusal, or the type of any other answer. */
  try(command: Command): string {
    const answer = this.do(command)
    return answer.type === 'refused' ? answer.code : answer.type
  }

  join(name: string, incarnation = '1'): string {
    const timingInForce = this.state.constants.timing
    return this.try({ type: 'join', name, incarnation, address: addressOf(name), version: 1, timing: timingInForce })
  }

  announce(id: MemberId, adopted = this.state.constants.revision): string {
    return this.try({ type: 'announce', name: id.name, incarnation: id.incarnation, address: addressOf(id.name), version: 1, adopted })
  }

  add(name: string, incarnation = '1'): void {
    this.join(name, incarnation)
    this.announce({ name, incarnation })
  }

  mark(type: 'leave' | 'mark-dead' | 'mark-alive' | 'remove', name: string): string {
    return this.try({ type, name, incarnation: this.member(name)?.incarnation ?? '1' })
  }

  member(name: string): ClusterState['members'][number] | undefined {
    return this.state.members.find((member) => member.name === name)
  }

  /** Carries the move of a slot one step on, as if the slot's group had done what it was asked. */
  advance(group: number): string {
    const { id, step, configurationIndex } = this.moveOf(group)
    const following: Partial<Record<MoveStep, MoveStep>> = { learn: 'catch-up', 'catch-up': 'switch', switch: 'retire' }
    const next = following[step]
    if (next === undefined) return this.try({ type: 'finish-move', slot: group, move: id, configurationIndex })
    return this.try({
      type: 'advance-move',
      slot: group,
      move: id,
      expected: step,
      next,
      configurationIndex: configurationIndex + 1,
    })
  }

  moveOf(group: number): Move {
    return present(this.state.table.slots[group]?.move, 'the slot has a move')
  }

  /** Plans and carries out until there is nothing left to do; the number of moves planned. */
  settle(): number {
    let moves = 0
    for (let round = 0; ; round++) {
      assert(round < 10_000, 'the planner comes to an end')
      const commands = planMoves(this.state)
      for (const command of commands) assert(['done', 'move'].includes(this.try(command)), 'what is planned is accepted')
      moves += commands.filter((command) => command.type === 'plan-move').length
      const busy = [...this.state.table.slots.keys()].filter((group) => this.state.table.slots[group]?.move !== null)
      for (const group of busy) this.advance(group)
      if (commands.length === 0 && busy.length === 0) break
    }
    const leaders = planLeaders(this.state)
    if (leaders !== null) this.do(leaders)
    return moves
  }

  nodesOf(group: number): string[] {
    return present(this.state.table.slots[group], 'the slot is in the table')
      .replicas.map((replica) => replica.node)
      .toSorted()
  }

  /** Replicas of slots (not of the meta group) by active member. */
  loads(): Map<string, number> {
    const active = this.state.members.filter((member) => member.state === 'active')
    const replicas = this.state.table.slots.slice(1).flatMap((slot) => slot.replicas)
    return new Map(active.map(({ name }) => [name, replicas.filter((replica) => replica.node === name).length]))
  }
}
