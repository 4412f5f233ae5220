import type { BusEvent } from '#api/cache/events.ts'
import type { CacheStatus } from '#api/cache/status.ts'
import type { ClusterView } from '#api/common/node-api.ts'
import type { DeadlocksView, LocksView } from '#api/locks/views.ts'
import type { QueueStatus } from '#api/queues/status.ts'
import type { AnyEvent } from '#console/event-log.ts'
import { askAfterMs } from '#console/sources.ts'
import type { NodeIdentity, NodeReport, NodeSeen, ServiceName } from '#console/world.ts'
import { serviceNames } from '#console/world.ts'
import type { Answer, NodeClient } from './node-client.ts'
import { Pulse } from './pulse.ts'
import type { Store } from './store.ts'

const serviceMs = 2_000
/** Between an event and the question what has come of it; events come in crowds. */
const settleMs = 120
const streamAgainMs = 700

/** Asks all nodes again and again, and reads their streams, for as long as the page is open. */
export class Watcher {
  readonly #client: NodeClient
  readonly #store: Store
  readonly #pulses = new Map<string, Pulse>()

  constructor(client: NodeClient, store: Store) {
    this.#client = client
    this.#store = store
  }

  start(): void {
    for (const { address } of this.#store.scene.world.nodes) void this.#watchNode(address)
    for (const service of serviceNames) {
      void this.#watchService(service)
      void this.#readEvents(service)
    }
    document.addEventListener('visibilitychange', () => this.refresh())
  }

  /** Asks everything now. */
  refresh(): void {
    for (const pulse of this.#pulses.values()) pulse.beat()
  }

  async #watchNode(address: string): Promise<void> {
    const pulse = this.#pulse(address)
    let isReading = false
    for (;;) {
      await this.#askNode(address)
      const node = this.#node(address)
      if (node?.identity?.service === 'cache' && !isReading) {
        isReading = true
        void this.#readBus(address, pulse)
      }
      await pulse.next(node === undefined ? serviceMs : askAfterMs(node), this.#isResting)
    }
  }

  async #askNode(address: string): Promise<void> {
    if (this.#node(address)?.identity === null || this.#node(address)?.health !== 'up') {
      const said = await this.#ask<NodeIdentity>(address, '/')
      if (said === null) return
      this.#store.heard({ type: 'described', address, body: said })
    }
    const cluster = await this.#ask<ClusterView>(address, '/cluster')
    if (cluster === null) return
    this.#store.heard({ type: 'cluster', address, body: cluster })
    if (this.#node(address)?.identity?.service !== 'cache') return
    const [status, report] = await Promise.all([
      this.#ask<CacheStatus>(address, '/status?limit=200'),
      this.#ask<NodeReport>(address, '/metrics'),
    ])
    if (status !== null) this.#store.heard({ type: 'cache', address, body: status })
    if (report !== null) this.#store.heard({ type: 'report', address, body: report })
  }

  async #watchService(service: ServiceName): Promise<void> {
    const pulse = this.#pulse(service)
    for (;;) {
      const source = this.#store.scene.sources[service]
      if (source !== null && service === 'lock') await this.#askLocks(source)
      if (source !== null && service === 'queue') {
        const body = await this.#ask<QueueStatus>(source, '/status?limit=100')
        if (body !== null) this.#store.heard({ type: 'queues', body, at: Date.now() })
      }
      // A source that fell silent has been replaced by now.
      await pulse.next(this.#store.scene.sources[service] === source && source !== null ? serviceMs : settleMs, this.#isResting)
    }
  }

  async #askLocks(source: string): Promise<void> {
    const [locks, deadlocks] = await Promise.all([
      this.#ask<LocksView>(source, '/locks?consistency=local&limit=100'),
      this.#ask<DeadlocksView>(source, '/deadlocks?consistency=local'),
    ])
    if (locks !== null) this.#store.heard({ type: 'locks', body: locks })
    if (deadlocks !== null) this.#store.heard({ type: 'deadlocks', body: deadlocks })
  }

  /** All nodes of a service tell the same, so one of them will do; another when it falls silent. */
  async #readEvents(service: ServiceName): Promise<void> {
    for (;;) {
      const source = this.#store.scene.sources[service]
      if (source !== null) {
        for await (const { data } of this.#client.events(source, '/events', new AbortController().signal)) {
          this.#store.heard({ type: 'event', service, event: JSON.parse(data) as AnyEvent })
          this.#pulse(service).beat(settleMs)
        }
        this.#pulse(source).beat()
      }
      await rest(streamAgainMs)
    }
  }

  /** Each node sees its own part of the bus; what is sent is seen by who sends it. */
  async #readBus(address: string, pulse: Pulse): Promise<void> {
    for (;;) {
      for await (const { type, data } of this.#client.events(address, '/bus', new AbortController().signal)) {
        if (type !== 'bus') continue
        const event = JSON.parse(data) as BusEvent
        if (event.seen !== 'sent') continue
        this.#store.heard({ type: 'bus', event })
        for (const node of this.#store.scene.world.nodes) if (node.identity?.service === 'cache') this.#pulse(node.address).beat(settleMs)
      }
      pulse.beat()
      await rest(streamAgainMs)
    }
  }

  /** Null when there is no such answer; whether the node lives is noted. */
  async #ask<Body>(address: string, path: string): Promise<Body | null> {
    const answer: Answer<Body> = await this.#client.ask<Body>(address, path)
    if (answer.type === 'answered') return answer.body
    if (answer.type !== 'refused') this.#store.heard({ type: answer.type, address })
    return null
  }

  readonly #isResting = (): boolean => document.hidden || this.#store.scene.paused

  #node(address: string): NodeSeen | undefined {
    return this.#store.scene.world.nodes.find((node) => node.address === address)
  }

  #pulse(name: string): Pulse {
    const known = this.#pulses.get(name) ?? new Pulse()
    this.#pulses.set(name, known)
    return known
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
