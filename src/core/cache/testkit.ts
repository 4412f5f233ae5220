import { assert, present } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { AgentInput } from './agent.ts'
import { Agent } from './agent.ts'
import { oldestOf } from './agent-requests.ts'
import type { AgentEffects, Answer } from './agent-state.ts'
import type { MemoryAnswer } from './commands.ts'
import { describeChange, describeCommand, describeOutcome, describeToAgent, describeToHome, describeVersion, textOf } from './describe.ts'
import type { HomeEffects, Proposal, SnoopPolicy } from './home-state.ts'
import { Home } from './home.ts'
import { checkInvariants, usableLines } from './invariants.ts'
import type { CacheLimits } from './limits.ts'
import { cacheLimits } from './limits.ts'
import type { Capacity, FullPolicy } from './memory-state.ts'
import { Memory } from './memory.ts'
import type { ToAgent, ToHome } from './messages.ts'
import { Witness } from './witness.ts'
import { committedVersion } from './lines.ts'
import type { Ack, AgentId, Change, Handle, HomeTerm, Identity, Key, Value } from './types.ts'
import { agentId, handle, homeTerm, slotId } from './types.ts'

/** A value that tests can read. */
export class TestValue implements Value {
  readonly text: string

  constructor(text: string) {
    this.text = text
    Object.freeze(this)
  }

  get size(): number {
    return this.text.length
  }

  get bytes(): Uint8Array {
    return new TextEncoder().encode(this.text)
  }
}

/** A message on its way. */
export type Letter =
  | { readonly type: 'to-home'; readonly from: AgentId; readonly message: ToHome }
  | { readonly type: 'to-agent'; readonly to: AgentId; readonly message: ToAgent }

export const theSlot = slotId(0)
/** Whoever writes at the level `owner` in a test; `other` is anybody else at the same agent. */
export const own = handle(1)
export const other = handle(2)

interface WorldOptions {
  readonly agents?: readonly string[]
  readonly limits?: Partial<CacheLimits>
  readonly snoops?: SnoopPolicy
  readonly whenFull?: FullPolicy
  readonly localAgent?: string | null
  readonly term?: number
}

interface WriteOptions {
  readonly ack?: Ack
  readonly identity?: Identity | null
  readonly by?: Handle
}

/**
 * Agents, the home and the memory of one slot in one thread, without any chance: somebody says which message arrives, which entry is applied,
 * and what time it is. After every step the invariants and the witness have a look.
 */
export class World {
  readonly limits: CacheLimits
  readonly snoops: SnoopPolicy
  /** What the next home is told. */
  capacity: Capacity | null = null
  now: Millis = millis(0)
  term: HomeTerm
  /** Whose process is the home. */
  localAgent: AgentId | null
  readonly memory: Memory
  home: Home
  /** Former homes that do not know it yet. */
  readonly deposed: Home[] = []
  readonly agents = new Map<AgentId, Agent>()
  /** How fast the clock of an agent runs; 1 when nothing is said. */
  readonly rates = new Map<AgentId, number>()
  letters: Letter[] = []
  /** Proposed, and not applied. */
  log: (Proposal & { readonly home: HomeTerm })[] = []
  /** What the leadership lease of the home is prolonged by with every tick. */
  leadMs = Infinity
  readonly witness = new Witness()
  /** What happened, one line each, when somebody wants to read it. */
  trace: string[] | null = null
  lastId = 0

  constructor({ agents = ['A', 'B'], limits = {}, snoops = 'filter', whenFull = 'lru', localAgent = null, term = 1 }: WorldOptions = {}) {
    this.limits = { ...cacheLimits, ...limits }
    this.snoops = snoops
    this.memory = new Memory(this.limits)
    this.memory.state.capacity = { bytesMax: this.limits.memoryBytesMax, whenFull }
    this.localAgent = localAgent === null ? null : agentId(localAgent)
    this.term = homeTerm(term)
    this.home = this.elect(null)
    for (const name of agents) this.join(name)
  }

  /** A process starts, and knows who is home. */
  join(name: string): void {
    this.agents.set(agentId(name), new Agent(agentId(name), this.limits))
    this.step(name, { type: 'home', slot: theSlot, term: this.term })
  }

  agent(name: string): Agent {
    return present(this.agents.get(agentId(name)), 'a test speaks of agents that are there')
  }

  step(name: string, input: AgentInput): AgentEffects {
    if (input.type !== 'message' && input.type !== 'tick') this.tell(`${name} ${describeInput(input)}`)
    const effects = this.agent(name).step(input, this.timeOf(agentId(name)))
    const from = agentId(name)
    for (const message of effects.send) this.letters.push(freeze({ type: 'to-home', from, message } as const))
    for (const answer of effects.answers) this.answered(name, answer)
    this.check()
    return effects
  }

  /** On the clock of an agent. */
  timeOf(id: AgentId): Millis {
    return millis(this.now * (this.rates.get(id) ?? 1))
  }

  read(name: string, key: Key, { by = other, fill = false } = {}): number {
    this.hit(name, key)
    const id = ++this.lastId
    this.witness.called(id, key, { type: 'read', agent: name, by })
    this.step(name, { type: 'read', id, slot: theSlot, key, handle: by, fill })
    return id
  }

  /** What anybody may read without asking; undefined when the home would have to be asked. */
  hit(name: string, key: Key): Value | null | undefined {
    const agent = this.agent(name)
    const value = agent.getSync(key, other, this.timeOf(agentId(name)))
    if (value === undefined) return undefined
    const line = present(agent.state.lines.byKey.get(key), 'what is read at once is in a line')
    this.witness.tells(key, { value, version: committedVersion(line) }, this.witness.endedOf(key))
    return value
  }

  write(name: string, key: Key, change: Change, { ack = 'replicated', identity = null, by = own }: WriteOptions = {}): number {
    const id = ++this.lastId
    this.witness.called(id, key, { type: 'write', agent: name, by, ack, change, retry: identity?.retry ?? false })
    this.step(name, { type: 'write', id, slot: theSlot, key, handle: by, ack, operation: { change, identity } })
    return id
  }

  deliver(letter: Letter): void {
    this.letters.splice(this.letters.indexOf(letter), 1)
    this.arrive(letter)
  }

  /** As delivered, and still on its way. */
  arrive(letter: Letter): void {
    this.tell(describeLetter(letter))
    if (letter.type === 'to-home') {
      for (const home of [this.home, ...this.deposed]) {
        if (home.state.term !== letter.message.term) continue
        this.homeDid(home, home.step({ type: 'message', from: letter.from, message: letter.message }, this.now))
      }
      this.check()
    } else if (this.agents.has(letter.to)) this.step(letter.to, { type: 'message', message: letter.message })
  }

  drop(letter: Letter): void {
    this.tell(`lost: ${describeLetter(letter)}`)
    this.letters.splice(this.letters.indexOf(letter), 1)
  }

  /** The next entry of the log is committed and applied. */
  apply(): void {
    const next = present(this.log.shift(), 'something was proposed')
    this.tell(`applied ${describeCommand(next.command)}`)
    const answer = this.execute(next)
    if (next.home === this.term) this.homeDid(this.home, this.home.step({ type: 'applied', number: next.number, answer }, this.now))
    this.check()
  }

  tickAgent(name: string): void {
    this.step(name, { type: 'tick' })
  }

  tickHome(): void {
    this.homeDid(this.home, this.home.step({ type: 'tick', leadsUntil: millis(this.now + this.leadMs) }, this.now))
    const { localAgent, term, home } = this
    if (localAgent !== null && this.agents.has(localAgent))
      this.step(localAgent, { type: 'leadership', slot: theSlot, term, until: home.state.leadsUntil })
    this.check()
  }

  pass(ms: number): void {
    this.now = millis(this.now + ms)
    this.tell(`time is ${this.now}`)
    this.check()
  }

  /** That much later than now. */
  after(ms: number): Millis {
    return millis(this.now + ms)
  }

  clear(namespace: string): void {
    this.homeDid(this.home, this.home.step({ type: 'clear', id: ++this.lastId, namespace }, this.now))
    this.check()
  }

  /** An agent renews its lease, and the messages take no time. */
  renew(name: string): void {
    const slot = this.agent(name).state.slot(theSlot)
    if (slot.standing.type !== 'open' || slot.term !== this.term) return
    const { session } = slot.standing
    const addressed = { slot: theSlot, term: slot.term, session, sentAt: this.timeOf(agentId(name)) }
    const message: ToHome = { ...addressed, type: 'renew', oldest: oldestOf(this.agent(name).state, slot) }
    const { send } = this.home.step({ type: 'message', from: agentId(name), message }, this.now)
    for (const renewed of send) this.step(name, { type: 'message', message: renewed.message })
  }

  /** Another node leads: of what was proposed, the first few entries are in its log, and the rest nowhere. */
  changeHome(kept: number, previousAgent: string | null = null): void {
    while (this.log.length > kept) this.log.pop()
    while (this.log.length > 0) this.execute(present(this.log.shift(), 'there is one'))
    this.deposed.push(this.home)
    this.tell(`home changes to term ${this.term + 1}`)
    this.term = homeTerm(this.term + 1)
    this.home = this.elect(previousAgent === null ? null : agentId(previousAgent))
    this.check()
  }

  /** Everything that is under way ends: messages in order, and entries as they come. */
  settle(): void {
    for (let steps = 0; this.letters.length > 0 || this.log.length > 0; steps++) {
      assert(steps < 10_000, 'it comes to rest')
      const [letter] = this.letters
      if (letter === undefined) this.apply()
      else this.deliver(letter)
    }
  }

  /** Time goes on in small steps, and everything works, until `isDone` or for so long. */
  run(ms: number, isDone: () => boolean = () => false): void {
    const end = this.now + ms
    while (this.now < end && !isDone()) {
      this.settle()
      this.pass(Math.min(40, end - this.now))
      this.tickHome()
      for (const name of this.agents.keys()) this.tickAgent(name)
    }
    this.settle()
  }

  tell(line: string): void {
    this.trace?.push(line)
  }

  check(): void {
    for (const [id, agent] of this.agents) agent.state.now = this.timeOf(id)
    const agents = [...this.agents.values()].map(({ state }) => state)
    checkInvariants({ agents, home: this.home.state, memory: this.memory.state })
    for (const agent of agents) for (const line of usableLines(agent)) this.witness.sees(line)
    for (const agent of agents) this.witness.owes(agent, this.memory.state)
    this.witness.memoryHas(this.memory.state)
  }

  elect(previousAgent: AgentId | null): Home {
    const home = new Home({
      slot: theSlot,
      term: this.term,
      memory: this.memory.state,
      limits: this.limits,
      snoops: this.snoops,
      capacity: this.capacity,
      electedAt: this.now,
      localAgent: this.localAgent,
      previousAgent,
    })
    this.homeDid(home, home.step({ type: 'tick', leadsUntil: millis(this.now + this.leadMs) }, this.now))
    return home
  }

  /** Entries of a former leader are refused by nobody here: what it proposes late is in no log. */
  homeDid(home: Home, { send, propose }: HomeEffects): void {
    for (const { to, message } of send) this.letters.push(freeze({ type: 'to-agent', to, message } as const))
    if (home.state.term === this.term) for (const proposal of propose) this.log.push(freeze({ ...proposal, home: this.term }))
  }

  execute({ command, home }: Proposal & { readonly home: HomeTerm }): MemoryAnswer {
    this.witness.executes(command)
    return this.memory.execute(command, { term: home, time: this.now, isReborn: false })
  }

  answered(name: string, answer: Answer): void {
    this.tell(`${name} answers ${describeAnswer(answer)}`)
    this.witness.answered(answer, { agent: this.agent(name).state, memory: this.memory.state })
  }
}

/** Nobody may change a message: the sender may send it again. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) freeze(item)
  return value
}

export const describeLetter = (letter: Letter): string =>
  letter.type === 'to-home'
    ? `home ← ${letter.from} ${describeToHome(letter.message)}`
    : `${letter.to} ← home ${describeToAgent(letter.message)}`

function describeInput(input: AgentInput): string {
  if (input.type === 'read') return `reads ${input.key}`
  if (input.type === 'write') return `wants ${input.key}: ${describeChange(input.operation.change)}`
  return input.type === 'home' ? `learns of term ${input.term}` : input.type
}

function describeAnswer(answer: Answer): string {
  if (answer.type === 'read') return `${answer.id}: ${textOf(answer.value)} (${describeVersion(answer.version)})`
  return answer.type === 'changed' ? `${answer.id}: ${describeOutcome(answer.outcome)}` : `${answer.id}: ${answer.type}`
}
