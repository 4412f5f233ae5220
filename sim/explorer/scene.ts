import { assert, present, unreachable } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import type { Letter } from '#core/cache/testkit.ts'
import { textOf } from '#core/cache/describe.ts'
import { TestValue, World, describeLetter, other, own, theSlot } from '#core/cache/testkit.ts'
import type { Change, Condition, Grant } from '#core/cache/types.ts'
import { cacheKey, homeTerm } from '#core/cache/types.ts'

/** What an agent is asked for, one after the other. */
export type Wish =
  | ({ readonly key: string } & (
      | { readonly type: 'read' }
      /** What else is changed is of other keys. */
      | { readonly type: 'add' }
      /** `own` is at the level `owner`. */
      | { readonly type: 'set' | 'own'; readonly value: string }
      /** Its life ends when time passes. */
      | { readonly type: 'brief'; readonly value: string; readonly lifeMs: number }
      /** To load what is absent, and to store it then if that was granted. */
      | { readonly type: 'fill' }
      | { readonly type: 'store'; readonly value: string }
    ))
  /** It wants nothing more. */
  | { readonly type: 'leave' }

/** How often what may happen. */
export interface Budget {
  readonly loss: number
  readonly double: number
  /** An agent is paused for longer than its lease, while the others renew theirs. */
  readonly lapse: number
  /** Time passes, enough for what got lost to be sent again. */
  readonly retry: number
  /** More than half a lease passes, whatever is on its way. */
  readonly later: number
  readonly home: number
}

interface Local {
  readonly agent: string
  readonly again: boolean
}

export interface Configuration {
  readonly name: string
  readonly programs: Readonly<Record<string, readonly Wish[]>>
  /** What was asked for, and answered, before anything is explored. */
  readonly before: readonly (Wish & { readonly agent: string })[]
  readonly budget: Budget
  readonly limits?: Partial<CacheLimits>
  /** The agent in the process of the home, and whether that is elected again when the home changes; without one, all homes are elsewhere. */
  readonly local?: Local
  /** Of two kinds of faults, the one that must be over before the other begins; both orders are explored, each by itself. */
  readonly first?: 'lapse' | 'home'
  /** What was said under a former home or session may come late; otherwise it is taken for granted that nobody listens to it. */
  readonly late?: true
}

export type Action =
  | { readonly type: 'ask'; readonly agent: string }
  | { readonly type: 'deliver' | 'double' | 'lose'; readonly letter: number }
  | { readonly type: 'apply' }
  | { readonly type: 'pause'; readonly agent: string }
  | { readonly type: 'pass' | 'later' }
  | { readonly type: 'tick'; readonly agent: string }
  | { readonly type: 'tick-home' }
  | { readonly type: 'change-home'; readonly kept: number }
  | { readonly type: 'learn'; readonly agent: string }

const leaseMs = 1_000
const retryMs = 400
const laterMs = 600

/** So that a step of time is one of a few, and everything that is due then happens in one tick. */
const limits: Partial<CacheLimits> = {
  leaseMs,
  // A session ends with its lease, but where it is told to linger.
  lingerMs: 0,
  marginMs: 10,
  renewMs: 1e9,
  gapMs: 1e9,
  retryMs: 200,
  snoopRetryMs: 200,
  snoopPatienceMs: 300,
}

/** Nothing gets lost, so nothing has to be sent again. */
const patient: Partial<CacheLimits> = { retryMs: 1e9, snoopRetryMs: 1e9 }

/** A world, and what may happen to it next. */
export class Scene {
  readonly world: World
  readonly programs: Configuration['programs']
  /** How far each agent is. */
  readonly asked: Record<string, number> = {}
  /** What each agent may store what it loads with. */
  readonly tokens: Record<string, Grant> = {}
  /** Who has been ticked since time passed last. */
  readonly ticked = new Set<string>()
  readonly left: { -readonly [K in keyof Budget]: number }

  readonly first: 'lapse' | 'home' | null
  readonly local: Local | null
  readonly late: boolean

  constructor({ programs, before, budget, first, local, late, limits: besides }: Configuration) {
    this.first = first ?? null
    this.late = late ?? false
    this.local = local ?? null
    this.programs = Object.freeze(programs)
    this.world = new World({
      agents: Object.keys(programs),
      limits: Object.freeze({ ...limits, ...(budget.retry > 0 ? {} : patient), ...besides }),
      localAgent: this.local?.agent ?? null,
    })
    if (this.local !== null) leadBeside(this.world, this.local.agent)
    this.left = { ...budget }
    for (const agent of Object.keys(programs)) this.asked[agent] = 0
    for (const { agent, ...wish } of before) {
      ask(this, agent, wish)
      this.world.settle()
    }
    this.world.witness.answers.clear()
  }

  actions(): Action[] {
    const { world, left } = this
    const actions: Action[] = []
    for (const agent of Object.keys(this.programs)) if (mayAsk(this, agent)) actions.push({ type: 'ask', agent })
    world.letters.forEach((_, letter) => {
      actions.push({ type: 'deliver', letter })
      if (left.double > 0) actions.push({ type: 'double', letter })
      if (left.loss > 0) actions.push({ type: 'lose', letter })
    })
    if (world.log.length > 0) actions.push({ type: 'apply' })
    if (left.lapse > 0 && (this.first !== 'home' || left.home === 0)) actions.push({ type: 'pause', agent: 'A' })
    // Messages that are late for longer than that are the same as doubled ones, of which there is a configuration of its own.
    if (left.retry > 0 && left.loss === 0 && world.letters.length + world.log.length === 0) actions.push({ type: 'pass' })
    if (left.later > 0) actions.push({ type: 'later' })
    if (world.now > 0) {
      for (const agent of Object.keys(this.programs)) if (!this.ticked.has(agent)) actions.push({ type: 'tick', agent })
      if (!this.ticked.has('home')) actions.push({ type: 'tick-home' })
    }
    if (left.home > 0 && (this.first !== 'lapse' || left.lapse === 0))
      for (let kept = 0; kept <= world.log.length; kept++) actions.push({ type: 'change-home', kept })
    for (const [name, { state }] of world.agents) if (state.slot(theSlot).term < world.term) actions.push({ type: 'learn', agent: name })
    return actions
  }

  perform(action: Action): void {
    const { world, left } = this
    switch (action.type) {
      case 'ask':
        askNext(this, action.agent)
        break
      case 'deliver':
        world.deliver(letterAt(this, action.letter))
        break
      case 'double':
        left.double--
        world.arrive(letterAt(this, action.letter))
        break
      case 'lose':
        left.loss--
        world.drop(letterAt(this, action.letter))
        break
      case 'apply':
        world.apply()
        break
      case 'pass':
        left.retry--
        this.ticked.clear()
        world.pass(retryMs)
        break
      case 'later':
        left.later--
        this.ticked.clear()
        world.pass(laterMs)
        break
      case 'pause':
        left.lapse--
        this.ticked.clear()
        pause(this, action.agent)
        break
      case 'tick':
        this.ticked.add(action.agent)
        world.tickAgent(action.agent)
        break
      case 'tick-home':
        this.ticked.add('home')
        world.tickHome()
        break
      case 'change-home':
        left.home--
        this.ticked.clear()
        changeHome(this, action.kept)
        world.deposed.length = 0
        break
      case 'learn':
        world.step(action.agent, { type: 'home', slot: theSlot, term: world.term })
        break
      default:
        unreachable(action)
    }
    keepTokens(this)
    world.witness.answers.clear()
    if (!this.late) world.letters = world.letters.filter((letter) => matters(world, letter))
  }

  describe(action: Action): string {
    if ('letter' in action) return `${action.type} ${describeLetter(letterAt(this, action.letter))}`
    if ('agent' in action) return `${action.type} ${action.agent}`
    return action.type
  }

  /** Nothing more is explored from here: then everybody must have an answer, at once, or where time plays a part, when it has passed. */
  checkAtRest(): void {
    const { world } = this
    const isOver = (): boolean =>
      world.witness.calls.size + world.home.state.queues.size === 0 &&
      [...world.agents.values()].every(({ state }) => state.activities.size === 0)
    if (world.now > 0 || world.term > 1) world.run(10_000, isOver)
    for (const [agent, wishes] of Object.entries(this.programs))
      assert(this.asked[agent] === wishes.length && world.agent(agent).state.activities.size === 0, 'at rest everybody has an answer')
    assert(world.home.state.queues.size === 0, 'at rest nothing is under way at the home')
    assert(world.home.state.fills.size === 0, 'at rest all loaders have stored what they loaded')
    const additions = Object.values(this.programs).flatMap((wishes) => wishes.filter((wish) => wish.type === 'add'))
    for (const { key } of additions) assert(read(this, 'A', key) === String(additions.length), 'each addition is made once')
  }
}

function read({ world }: Scene, agent: string, key: string): string {
  const id = world.read(agent, cacheKey(key), { by: other })
  world.run(10_000, () => world.witness.answers.has(id))
  const answer = world.witness.answers.get(id)
  assert(answer?.type === 'read', 'who reads at rest is answered')
  return textOf(answer.value)
}

const letterAt = ({ world }: Scene, at: number): Letter => present(world.letters[at], 'an action is of the state it is for')

/** An agent beside the home hears of a new term of it before that home does anything; of another home it is told like any other, once its lease is over. */
function changeHome(scene: Scene, kept: number): void {
  const { world, local } = scene
  if (local === null) {
    world.changeHome(kept)
    return
  }
  const { agent, again } = local
  if (again) world.step(agent, { type: 'home', slot: theSlot, term: homeTerm(world.term + 1) })
  else leadBeside(world, agent, world.now)
  if (!again) world.localAgent = null
  world.changeHome(kept, agent)
  if (again) leadBeside(world, agent)
}

function leadBeside(world: World, agent: string, until = millis(Infinity)): void {
  world.step(agent, { type: 'leadership', slot: theSlot, term: world.term, until })
}

function mayAsk({ programs, world, asked }: Scene, agent: string): boolean {
  const wishes = present(programs[agent], 'an agent has a program')
  const waits = [...world.witness.calls.values()].some(({ what }) => what.agent === agent)
  return !waits && present(asked[agent], 'it is known how far it is') < wishes.length
}

/** The others renew in the middle of it, at once. */
function pause({ world, ticked, programs }: Scene, paused: string): void {
  world.pass(leaseMs / 2)
  for (const agent of Object.keys(programs)) {
    if (agent === paused) continue
    ticked.add(agent)
    world.renew(agent)
  }
  world.pass(leaseMs / 2 + 100)
}

/** A message of a former term is ignored by everybody who has heard of the next one, and one of a former session by its agent. */
function matters(world: World, letter: Letter): boolean {
  if (letter.type === 'to-home') return letter.message.term === world.term
  const { term, standing, nonce } = world.agent(letter.to).state.slot(theSlot)
  const { message } = letter
  if (message.term < term) return false
  if (message.type === 'opened') return message.nonce === nonce && standing.type === 'opening'
  return 'session' in standing && standing.session === message.session
}

/** Whoever was told to load knows with what to store it. */
function keepTokens({ world: { witness }, tokens }: Scene): void {
  for (const [id, { agent }] of witness.loading) {
    const answer = witness.answers.get(id)
    if (answer?.type === 'load') tokens[agent] = answer.token
  }
  witness.loading.clear()
}

function askNext(scene: Scene, agent: string): void {
  const { asked, programs } = scene
  const at = present(asked[agent], 'it is known how far it is')
  const wish = present(programs[agent]?.[at], 'there is something to ask')
  asked[agent] = at + 1
  ask(scene, agent, wish)
}

function ask({ world, tokens }: Scene, agent: string, wish: Wish): void {
  if (wish.type === 'leave') {
    world.step(agent, { type: 'leave' })
    return
  }
  const key = cacheKey(wish.key)
  switch (wish.type) {
    case 'read':
    case 'fill':
      world.read(agent, key, { by: other, fill: wish.type === 'fill' })
      break
    case 'add':
      world.write(agent, key, { type: 'add', by: 1 })
      break
    case 'set':
    case 'own':
      world.write(agent, key, set(wish.value), { by: own, ack: wish.type === 'own' ? 'owner' : 'replicated' })
      break
    case 'brief':
      world.write(agent, key, set(wish.value, { ttlMs: wish.lifeMs }))
      break
    case 'store': {
      const token = tokens[agent]
      if (token !== undefined) world.write(agent, key, set(wish.value, { condition: { type: 'token', token } }))
      break
    }
    default:
      unreachable(wish)
  }
}

interface Terms {
  readonly ttlMs?: number | null
  readonly condition?: Condition
}

const set = (value: string, { ttlMs = null, condition = { type: 'none' } }: Terms = {}): Change => ({
  type: 'set',
  value: new TestValue(value),
  ttlMs,
  condition,
})
