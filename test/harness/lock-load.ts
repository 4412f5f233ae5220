import type { LockCluster, LockReply } from './lock-cluster.ts'
import type { NodeProcess } from './node-process.ts'

/** One client's time with a lock: from the answer that granted it until before it asked to release it. */
interface Tenure {
  readonly resource: string
  readonly client: string
  readonly token: number
  readonly from: number
  readonly until: number
}

/**
 * Clients that take a few locks in turn, by any node that runs, and come back to another one when a node fails them. By the clock of this
 * process, no two of them may have the same lock at once, and tokens must grow.
 */
export class LockLoad implements AsyncDisposable {
  readonly tenures: Tenure[] = []
  readonly #cluster: LockCluster
  readonly #running: Promise<unknown>
  #stopping = false
  /** Acquires of which nobody said what became of them, and which were sent again. */
  doubtful = 0

  constructor(cluster: LockCluster, { clients, locks }: { readonly clients: number; readonly locks: number }) {
    this.#cluster = cluster
    this.#running = Promise.all(Array.from({ length: clients }, (_, at) => this.#drive(`client-${at}`, `lock-${at % locks}`, at)))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  /** What should not have been. */
  violations(): readonly string[] {
    const wrong: string[] = []
    for (const resource of new Set(this.tenures.map((tenure) => tenure.resource))) {
      const tenures = this.tenures.filter((tenure) => tenure.resource === resource).sort((left, right) => left.from - right.from)
      for (const [at, tenure] of tenures.entries()) {
        const before = tenures[at - 1]
        if (before === undefined) continue
        if (before.until > tenure.from) wrong.push(`${resource}: ${before.client} and ${tenure.client} had it at once`)
        if (before.token >= tenure.token) wrong.push(`${resource}: token ${tenure.token} after ${before.token}`)
      }
    }
    return wrong
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #drive(client: string, resource: string, start: number): Promise<void> {
    for (let turn = start; !this.#stopping; turn++) {
      const granted = await this.#call(turn, '/acquire', { resource_id: resource, client_id: client, wait_ms: 10_000 })
      if (granted?.status !== 200) {
        if (granted === null || granted.status === 504) this.doubtful++
        await pause(10)
        continue
      }
      const { fencing_token: token } = granted.body as { readonly fencing_token: number }
      const from = performance.now()
      await pause(2)
      this.tenures.push({ resource, client, token, from, until: performance.now() })
      await this.#release(turn, { resource_id: resource, client_id: client, fencing_token: token })
    }
  }

  /** Until it is certain. */
  async #release(start: number, body: object): Promise<void> {
    for (let turn = start; ; turn++) {
      const released = await this.#call(turn, '/release', body)
      if (released !== null && [200, 404, 409].includes(released.status)) return
      await pause(10)
    }
  }

  /** Null when the connection broke. */
  async #call(turn: number, path: string, body: object): Promise<LockReply | null> {
    const nodes = this.#cluster.running
    try {
      return await this.#cluster.post(nodes[turn % nodes.length] as NodeProcess, path, body)
    } catch {
      // The node is gone, and with it what it knew.
      return null
    }
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
