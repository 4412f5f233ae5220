import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Formation, Timing } from '#core/cluster/types.ts'
import type { Hello } from '#wire/peer-message.ts'
import { nextFormingStep } from './forming.ts'

const timing: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }

/** A small world of nodes that look for a cluster, explored in every order of what may happen. */
interface State {
  readonly nodes: readonly {
    readonly incarnation: number
    readonly formation: Formation | null
    /** One that is not durable is lost in a crash. */
    readonly durable: boolean
    /** By position. */
    readonly heard: readonly (Hello | null)[]
  }[]
  /** Hellos on their way, which may outlive who sent them. */
  readonly flying: readonly { readonly to: number; readonly hello: Hello }[]
  readonly formed: number
  readonly wipes: number
  readonly crashes: number
}

interface Limits {
  readonly lists: readonly (readonly string[])[]
  readonly wipes: number
  readonly crashes: number
  readonly flying: number
}

const names = ['a', 'b', 'c', 'd']
const empty = (count: number) => ({ incarnation: 0, formation: null, durable: false, heard: Array.from({ length: count }, () => null) })

function helloOf({ nodes }: State, { lists }: Limits, at: number): Hello {
  const { incarnation, formation } = nodes[at] as State['nodes'][number]
  const name = names[at] ?? ''
  return { name, incarnation: String(incarnation), address: name, voters: lists[at] ?? [], timing, formation }
}

const change = (state: State, at: number, news: Partial<State['nodes'][number]>): State => ({
  ...state,
  nodes: state.nodes.map((node, position) => (position === at ? { ...node, ...news } : node)),
})

/** How many of a cluster's founders hold it durably, as those that it was formed of. */
const holders = ({ nodes }: State, { clusterId, members }: Formation): number =>
  nodes.filter(
    ({ incarnation, formation, durable }, position) =>
      durable &&
      formation?.clusterId === clusterId &&
      members.some((member) => member.name === names[position] && member.incarnation === String(incarnation)),
  ).length

const works = (state: State, formation: Formation): boolean => holders(state, formation) > formation.members.length / 2

/** A node hears a hello and does what there is to do. */
function hear(state: State, limits: Limits, at: number, hello: Hello): State {
  const node = state.nodes[at] as State['nodes'][number]
  if (node.formation !== null) return state
  const heard = node.heard.map((known, position) => (names[position] === hello.name ? hello : known))
  const next = change(state, at, { heard })
  const step = nextFormingStep(
    helloOf(next, limits, at),
    heard.filter((known) => known !== null),
  )
  switch (step.type) {
    case 'adopt':
      return change(next, at, { formation: step.formation, durable: false, heard: empty(heard.length).heard })
    case 'form': {
      const members = step.founders.map(({ name, incarnation, address }) => ({ name, incarnation, address }))
      const formation = { clusterId: String(state.formed + 1), recovery: null, members, slots: 1, replication: 3, timing }
      return { ...change(next, at, { formation, durable: false, heard: empty(heard.length).heard }), formed: state.formed + 1 }
    }
    case 'join': {
      const { formation } = heard.find((known) => known?.name === step.via) as Hello
      return formation !== null && works(next, formation) ? change(next, at, { formation, durable: true }) : next
    }
    default:
      return next
  }
}

/** A node that is writing a formation says neither that it has one nor that it has none. */
function tells({ nodes }: State, at: number): boolean {
  const node = nodes[at] as State['nodes'][number]
  return node.formation === null || node.durable
}

function* nextStates(state: State, limits: Limits): Iterable<State> {
  const { nodes, flying } = state
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at] as State['nodes'][number]
    for (let other = 0; other < nodes.length; other++) {
      if (other === at) continue
      if (tells(state, other)) yield hear(state, limits, at, helloOf(state, limits, other))
      else yield change(state, at, { heard: node.heard.map((known, position) => (position === other ? null : known)) })
      if (flying.length < limits.flying && tells(state, other))
        yield { ...state, flying: [...flying, { to: at, hello: helloOf(state, limits, other) }] }
    }
    if (node.formation !== null && !node.durable) yield change(state, at, { durable: true })
    const kept = node.durable ? node.formation : null
    if (state.crashes < limits.crashes)
      yield {
        ...change(state, at, { ...empty(nodes.length), incarnation: node.incarnation, formation: kept, durable: node.durable }),
        crashes: state.crashes + 1,
      }
    if (state.wipes < limits.wipes)
      yield { ...change(state, at, { ...empty(nodes.length), incarnation: node.incarnation + 1 }), wipes: state.wipes + 1 }
  }
  for (const message of flying)
    yield hear({ ...state, flying: flying.filter((other) => other !== message) }, limits, message.to, message.hello)
}

interface Explored {
  readonly states: number
  /** The largest number of cluster ids that nodes held at one time, and of clusters that could work at one time. */
  readonly idsMax: number
  readonly workingMax: number
}

function explore(limits: Limits): Explored {
  const first: State = { nodes: limits.lists.map(() => empty(limits.lists.length)), flying: [], formed: 0, wipes: 0, crashes: 0 }
  const seen = new Set([keyOf(first)])
  const queue = [first]
  let [idsMax, workingMax] = [0, 0]
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const formations = new Map(state.nodes.flatMap(({ formation }) => (formation === null ? [] : [[formation.clusterId, formation]])))
    idsMax = Math.max(idsMax, formations.size)
    const now = state
    workingMax = Math.max(workingMax, [...formations.values()].filter((formation) => works(now, formation)).length)
    for (const next of nextStates(state, limits)) {
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      queue.push(next)
    }
  }
  return { states: seen.size, idsMax, workingMax }
}

/** Short, for there are many. */
function keyOf({ nodes, flying, formed, wipes, crashes }: State): string {
  const told = (hello: Hello | null): string => (hello === null ? '-' : `${hello.incarnation}${hello.formation?.clusterId ?? ''}.`)
  const each = nodes.map(
    ({ incarnation, formation, durable, heard }) => `${incarnation}/${formation?.clusterId ?? '-'}/${durable}/${heard.map(told).join('')}`,
  )
  return `${each.join(' ')} ${flying.map(({ to, hello }) => `${to}${hello.name}${told(hello)}`).join()} ${formed} ${wipes} ${crashes}`
}

const abc = ['a', 'b', 'c']

test('decision R3: in every order of hellos, crashes and wipes there is never a second cluster id', () => {
  for (const [wipes, crashes] of [
    [0, 4],
    [1, 3],
  ] as const) {
    const explored = explore({ lists: [abc, abc, abc], wipes, crashes, flying: 0 })
    ok(explored.states > 1_000, `${explored.states} states`)
    deepEqual([explored.idsMax, explored.workingMax], [1, 1])
  }
})

test('decision R3: when a majority of the founders lose their disks while they form, one may be left behind, but no two clusters work', () => {
  const explored = explore({ lists: [abc, abc, abc], wipes: 2, crashes: 2, flying: 0 })
  ok(explored.states > 10_000, `${explored.states} states`)
  equal(explored.workingMax, 1)
})

test('decision R3: also where a hello outlives who sent it, no two clusters ever work', () => {
  const explored = explore({ lists: [abc, abc, abc], wipes: 2, crashes: 0, flying: 1 })
  ok(explored.states > 10_000, `${explored.states} states`)
  equal(explored.workingMax, 1)
})

test('decision R3: nodes with different lists form nothing together, and never two clusters', () => {
  const abd = ['a', 'b', 'd']
  deepEqual(explore({ lists: [abc, abc, ['a', 'b']], wipes: 1, crashes: 1, flying: 0 }).idsMax, 0)
  deepEqual(explore({ lists: [abc, abd, abc, abd], wipes: 1, crashes: 0, flying: 0 }).idsMax, 0)
  deepEqual(explore({ lists: [abc, abc, abc, abd], wipes: 0, crashes: 1, flying: 0 }).idsMax, 1)
})

const hello = (name: string, more: Partial<Hello> = {}): Hello => ({
  name,
  incarnation: `i${name}`,
  address: name,
  voters: abc,
  timing,
  formation: null,
  ...more,
})

const formationOf = (clusterId: string, members: readonly string[]): Formation => ({
  clusterId,
  recovery: null,
  members: members.map((name) => ({ name, incarnation: `i${name}`, address: name })),
  slots: 1,
  replication: 3,
  timing,
})

test('decision R3: two of three are not enough, and only the first of the list forms', () => {
  equal(nextFormingStep(hello('a'), [hello('b')]).type, 'wait')
  equal(nextFormingStep(hello('b'), [hello('a'), hello('c')]).type, 'wait')
  equal(nextFormingStep(hello('a'), [hello('b'), hello('c')]).type, 'form')
})

test('decision R3: a founder that lost its disk joins as a newcomer, and one that lost nothing takes the formation up', () => {
  const formed = hello('b', { formation: formationOf('x', abc) })
  deepEqual(nextFormingStep(hello('a', { incarnation: 'new' }), [formed, hello('c')]), { type: 'join', via: 'b' })
  equal(nextFormingStep(hello('a'), [formed]).type, 'adopt')
})

test('decision R3: a founder that never took the formation up joins a cluster that went on without it as a newcomer', () => {
  const recovered = hello('b', { formation: { ...formationOf('x', abc), recovery: 'r' } })
  deepEqual(nextFormingStep(hello('a'), [recovered]), { type: 'join', via: 'b' })
})

test('decision R3: the cluster that counts on this node comes before any other that is heard of', () => {
  const foreign = hello('z', { formation: formationOf('other', ['x', 'y', 'z']) })
  const own = hello('b', { formation: formationOf('own', abc) })
  const step = nextFormingStep(hello('a'), [foreign, own])
  equal(step.type === 'adopt' && step.formation.clusterId, 'own')
})

test('decision R4: a node with other constants than the cluster neither founds nor joins', () => {
  const other = { ...timing, electionMinMs: 400 }
  const formed = hello('b', { formation: formationOf('x', ['b', 'c', 'd']) })
  const refused = [
    nextFormingStep(hello('a', { timing: other }), [formed]),
    nextFormingStep(hello('a', { timing: other }), [hello('b'), hello('c')]),
  ]
  deepEqual(
    refused.map((step) => step.type === 'refuse' && step.code),
    ['timing-differs', 'timing-differs'],
  )
})

test('nodes that were given constants which no cluster runs form none', () => {
  const alone = { name: 'a', incarnation: 'i', address: 'a', voters: ['a'], formation: null } as const
  equal(nextFormingStep({ ...alone, timing }, []).type, 'form')
  const step = nextFormingStep({ ...alone, timing: { ...timing, electionMaxMs: 80_000 } }, [])
  ok(step.type === 'refuse' && step.code === 'timing-unsafe' && step.detail.includes('80000'))
})
