import type { Formation } from '#core/cluster/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { Hello, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import { nextFormingStep } from './forming.ts'
import type { Requests } from './requests.ts'

export interface FormationOptions {
  readonly slots: number
  readonly replication: number
  readonly version: number
}

/**
 * Carries a node from having no cluster to having one: asks around, and does what `forming.ts` says. Ends with the formation durable on
 * this node.
 */
export class FormationClient {
  readonly #ports: Ports
  readonly #options: FormationOptions
  readonly #self: () => Hello
  /** Makes the formation this node's own, durably. */
  readonly #adopt: (formation: Formation, then: () => void) => void
  readonly #connected = new Set<string>()
  readonly #heard = new Map<string, Hello>()
  #busy = false
  #done = false
  #lastReason = ''

  constructor(ports: Ports, options: FormationOptions, callbacks: Callbacks) {
    this.#ports = ports
    this.#options = options
    this.#self = callbacks.self
    this.#adopt = callbacks.adopt
  }

  start(): void {
    this.#round()
  }

  stop(): void {
    this.#done = true
  }

  connected(name: string): void {
    this.#connected.add(name)
    this.#ask(name)
  }

  disconnected(name: string): void {
    this.#connected.delete(name)
    this.#heard.delete(name)
  }

  /**
   * Another node hands out the formation it has written, or asks whether we know one. While one is being written here there is nothing to say:
   * whoever took it over, or formed another one, would rely on what a crash may undo.
   */
  answer(request: Extract<PeerRequest, { type: 'hello' | 'form' }>, respond: (response: PeerResponse) => void): void {
    if (this.#done) {
      respond({ type: 'refused', code: 'not-formed', detail: 'this node is about to belong to a cluster', leader: null })
      return
    }
    if (request.type === 'hello') {
      this.#heard.set(request.hello.name, request.hello)
      respond({ type: 'hello', hello: this.#self() })
      return
    }
    const step = nextFormingStep(this.#self(), [{ ...this.#self(), name: '', formation: request.formation }])
    if (step.type !== 'adopt')
      respond({ type: 'refused', code: 'invalid', detail: 'this node is not a founder of that cluster', leader: null })
    else this.#take(step.formation, () => respond({ type: 'done' }))
  }

  #round(): void {
    if (this.#done) return
    for (const name of this.#connected) this.#ask(name)
    this.#advance()
    this.#ports.clock.after(roundMs, () => this.#ports.post(() => this.#round()))
  }

  #ask(name: string): void {
    if (this.#done) return
    this.#ports.requests.ask(
      name,
      { type: 'hello', hello: this.#self() },
      {
        timeoutMs: askTimeoutMs,
        done: (response) => {
          if (response?.type === 'refused') this.#heard.delete(name)
          if (response?.type !== 'hello' || !this.#connected.has(name)) return
          this.#heard.set(name, response.hello)
          this.#advance()
        },
      },
    )
  }

  #advance(): void {
    if (this.#busy || this.#done) return
    const step = nextFormingStep(this.#self(), [...this.#heard.values()])
    switch (step.type) {
      case 'wait':
        this.#report('info', step.reason)
        break
      case 'refuse':
        this.#report('error', `${step.code}: ${step.detail}`)
        break
      case 'adopt':
        this.#take(step.formation, () => {})
        break
      case 'form':
        this.#form(step.founders)
        break
      case 'join':
        this.#join(step.via)
        break
    }
  }

  #form(founders: readonly Hello[]): void {
    const { slots, replication } = this.#options
    const formation: Formation = {
      clusterId: this.#ports.entropy.hex(16),
      recovery: null,
      members: founders.map(({ name, incarnation, address }) => ({ name, incarnation, address })),
      slots,
      replication,
      timing: this.#self().timing,
    }
    this.#take(formation, () => {
      for (const { name } of founders.slice(1)) {
        this.#ports.requests.ask(name, { type: 'form', formation }, { timeoutMs: askTimeoutMs, done: () => {} })
      }
    })
  }

  #join(via: string): void {
    this.#busy = true
    const { name, incarnation, address, timing } = this.#self()
    const join = { name, incarnation, address, timing, version: this.#options.version }
    this.#ports.requests.ask(
      via,
      { type: 'join', join },
      {
        timeoutMs: joinTimeoutMs,
        done: (response) => {
          this.#busy = false
          if (response?.type === 'joined') this.#take(response.formation, () => {})
          else if (response?.type === 'refused')
            this.#report('error', `${via} refuses to let this node join: ${response.code}: ${response.detail}`)
        },
      },
    )
  }

  #take(formation: Formation, then: () => void): void {
    if (this.#done) return
    this.#done = true
    this.#adopt(formation, then)
  }

  /** Once per change, not once per round. */
  #report(level: 'info' | 'error', reason: string): void {
    if (reason === this.#lastReason) return
    this.#lastReason = reason
    this.#ports.telemetry.log(level, 'forming', { reason })
  }
}

interface Ports {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  readonly requests: Requests
  readonly post: (task: () => void) => void
}

interface Callbacks {
  readonly self: () => Hello
  readonly adopt: (formation: Formation, then: () => void) => void
}

const roundMs = 200
const askTimeoutMs = 1_000
const joinTimeoutMs = 5_000
