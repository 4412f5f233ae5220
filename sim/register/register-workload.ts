import type { RegisterAnswer } from '#core/register/register.ts'
import { decodeRegisterAnswer, encodeRegisterCommand, encodeRegisterQuestion } from '#services/register/register-machine.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import type { RegisterInput, RegisterOutput } from '#sim/checker/register-model.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { registerModel } from '#sim/checker/register-model.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { SimOptions } from '#sim/options.ts'
import type { Workload, World } from '#sim/workload.ts'
import { serveRegister } from './serve-register.ts'

/**
 * Clients of the register machine. Each has one operation open at a time, at a node of its choice, and writes down what it was told and when.
 * Values are never written twice, so that a read says which write it saw.
 */
export class RegisterWorkload implements Workload {
  readonly serve = serveRegister
  readonly usesPromises = false
  readonly actions = new Map<string, number>(registerActions.map((action) => [action, 0]))
  readonly totals = { called: 0, answered: 0, refused: 0, unknown: 0, localReads: 0 }
  readonly history: HistoryRecorder<RegisterInput, RegisterOutput>
  readonly #world: World
  readonly #options: SimOptions
  #nextValue = 1
  #open = 0
  #stopped = false

  constructor(world: World, options: SimOptions) {
    this.#world = world
    this.#options = options
    this.history = new HistoryRecorder(() => world.scheduler.now)
  }

  unrest(): string | null {
    return this.#open > 0 ? `${this.#open} operations are open` : null
  }

  afterEvent(): void {}

  judge(): void {
    const verdict = checkLinearizability(registerModel, this.history.operations())
    if (verdict.type === 'violation') throw new Violation(`not linearizable:\n${verdict.counterexample.text}`)
    if (verdict.type === 'undecided') throw new Violation(`linearizability is undecided for ${verdict.keys.join(', ')}`)
  }

  start(): void {
    for (let client = 1; client <= this.#options.clients; client++) this.#think(`c${client}`)
  }

  stop(): void {
    this.#stopped = true
  }

  #think(client: string): void {
    const { scheduler, prng } = this.#world
    scheduler.after(-Math.log(1 - prng.float()) * this.#options.thinkMs, () => {
      if (!this.#stopped) this.#act(client)
    })
  }

  #act(client: string): void {
    const { prng, cluster } = this.#world
    const formed = cluster.nodes.filter(({ node }) => node?.cluster)
    if (formed.length === 0) {
      this.#think(client)
      return
    }
    const target = prng.pick(formed)
    const group = prng.between(1, this.#options.slots)
    const key = `g${group}k${prng.between(1, this.#options.keys)}`
    const input = this.#draw()
    const id = this.history.call({ client, key, input })
    this.totals.called++
    this.actions.set(input.type, (this.actions.get(input.type) ?? 0) + 1)
    this.#open++
    const timeoutMs = prng.pick([1_000, 3_000, 5_000])
    const end = this.#ending(client, target.name, { id, key, input })
    // The client's own patience: a node that is dead or paused never answers.
    this.#world.scheduler.after(timeoutMs + 2_500, () => end('unknown'))
    const { life } = target.machine
    target.machine.run(life, () => {
      const onHost = target.node
      if (input.type === 'read' && prng.chance(0.5)) {
        onHost?.query(group, encodeRegisterQuestion(key), {
          timeoutMs,
          done: (answer) => {
            if (answer !== null) this.totals.localReads++
            end(answer === null ? 'refused' : decodeRegisterAnswer(answer))
          },
        })
      } else {
        onHost?.submit(group, encodeRegisterCommand({ ...input, key }), {
          timeoutMs,
          done: (outcome) => {
            if (outcome.type === 'applied') end(decodeRegisterAnswer(outcome.answer))
            else end(outcome.type)
          },
        })
      }
    })
  }

  /** The first end counts. */
  #ending(client: string, node: string, operation: { id: number; key: string; input: RegisterInput }) {
    let ended = false
    return (answer: RegisterAnswer | 'refused' | 'unknown'): void => {
      if (ended) return
      ended = true
      this.#open--
      if (answer === 'unknown') {
        this.totals.unknown++
      } else if (answer === 'refused') {
        this.totals.refused++
        this.history.refused(operation.id)
      } else {
        this.totals.answered++
        this.history.returned(operation.id, answer)
      }
      this.#world.trace.line(client, operation.input.type, { ...operation.input, key: operation.key, node, answer })
      this.#think(client)
    }
  }

  #draw(): RegisterInput {
    const { prng } = this.#world
    const value = this.#nextValue++
    const kind = prng.float()
    if (kind < 0.4) return { type: 'read' }
    if (kind < 0.75) return { type: 'write', value }
    // Few, for each with an unknown outcome doubles what the checker must consider.
    if (kind < 0.8) return { type: 'add', by: 1_000_000 * value }
    return { type: 'compare-and-set', expected: prng.chance(0.5) ? null : prng.between(Math.max(1, value - 10), value), value }
  }
}

const registerActions: readonly RegisterInput['type'][] = ['read', 'write', 'add', 'compare-and-set']
