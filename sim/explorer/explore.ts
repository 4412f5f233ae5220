import { canonical, hash } from './canonical.ts'
import { clone } from './clone.ts'
import type { Action, Configuration } from './scene.ts'
import { Scene } from './scene.ts'

export interface Exploration {
  readonly states: number
  readonly steps: number
  readonly depth: number
  /** Changes of state of lines, and types of messages, that were seen, and how often. */
  readonly edges: ReadonlyMap<string, number>
  readonly messages: ReadonlyMap<string, number>
  /** How many states nothing follows from. */
  readonly ends: number
  /** Not all states were seen. */
  readonly isCut: boolean
  readonly counterexample: Counterexample | null
}

interface ExploreOptions {
  readonly statesMax?: number
  /** What it begins with, each time. */
  readonly begin?: (configuration: Configuration) => Scene
}

interface Counterexample {
  readonly broken: string
  /** The shortest way to it, as people read it. */
  readonly trace: readonly string[]
}

interface Node {
  readonly scene: Scene
  readonly path: Path | null
}

interface Path {
  readonly action: Action
  readonly before: Path | null
}

const sceneOf = (configuration: Configuration): Scene => new Scene(configuration)

/**
 * Breadth first through every state that a configuration can come to, by the production code: each state is a copy of agents, home, memory and
 * all that is on its way. Two states are the same when the same can follow from them. After every step the world checks its invariants, and
 * what is at rest must have answered everybody.
 */
export function explore(configuration: Configuration, { statesMax = Infinity, begin = sceneOf }: ExploreOptions = {}): Exploration {
  const edges = new Map<string, number>()
  const messages = new Map<string, number>()
  const first = begin(configuration)
  const seen = new Set([hash(canonical(first))])
  let frontier: Node[] = [{ scene: first, path: null }]
  let [depth, steps, ends] = [0, 0, 0]
  const result = (counterexample: Counterexample | null, isCut: boolean): Exploration => ({
    states: seen.size,
    steps,
    depth,
    edges,
    messages,
    ends,
    isCut,
    counterexample,
  })
  for (; frontier.length > 0; depth++) {
    const next: Node[] = []
    for (const { scene, path } of frontier) {
      const actions = scene.actions()
      if (actions.length === 0) ends++
      const broken = actions.length === 0 ? failureOf(() => scene.checkAtRest()) : null
      if (broken !== null) return result(retell(begin(configuration), path, broken), false)
      for (const action of actions) {
        steps++
        const after = clone(scene)
        count(messages, after, action)
        const failure = failureOf(() => after.perform(action))
        const way = { action, before: path }
        if (failure !== null) return result(retell(begin(configuration), way, failure), false)
        const name = hash(canonical(after))
        if (seen.has(name)) continue
        seen.add(name)
        countEdges(edges, after)
        next.push({ scene: after, path: way })
      }
      if (seen.size > statesMax) return result(null, true)
    }
    frontier = next
  }
  return result(null, false)
}

function failureOf(run: () => void): string | null {
  try {
    run()
    return null
  } catch (error) {
    return String(error)
  }
}

function count(messages: Map<string, number>, { world }: Scene, action: Action): void {
  if (action.type !== 'deliver') return
  const letter = world.letters[action.letter]
  if (letter === undefined) return
  const { message } = letter
  const inner = 'body' in message ? ` ${message.body.type}` : ''
  const name = `${message.type}${inner}`
  messages.set(name, (messages.get(name) ?? 0) + 1)
}

/** Those that led here are counted once for each state. */
function countEdges(edges: Map<string, number>, { world }: Scene): void {
  for (const { state } of world.agents.values()) {
    for (const [edge, times] of state.edges) edges.set(edge, (edges.get(edge) ?? 0) + times)
    state.edges.clear()
  }
}

/** Goes the way again from the beginning, and writes it down. */
function retell(scene: Scene, path: Path | null, broken: string): Counterexample {
  const actions: Action[] = []
  for (let at = path; at !== null; at = at.before) actions.unshift(at.action)
  const trace: string[] = []
  scene.world.trace = trace
  for (const action of actions) {
    trace.push(`— ${scene.describe(action)}`)
    failureOf(() => scene.perform(action))
  }
  return { broken, trace }
}
