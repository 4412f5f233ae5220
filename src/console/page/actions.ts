import type { ServiceName } from '#console/world.ts'
import { isUp, nodesOf } from '#console/world.ts'
import type { Answer, Asked, NodeClient } from './node-client.ts'
import type { Store } from './store.ts'
import type { Watcher } from './watcher.ts'

/** What came of an action, in words. */
export interface Outcome {
  readonly isGood: boolean
  readonly text: string
}

interface AcquireSaid {
  readonly status: 'granted' | 'queued'
  readonly fencing_token?: number
  readonly position?: number
}
interface ConsumeSaid {
  readonly messages: readonly { readonly message_id: string }[]
}
interface WriteSaid {
  readonly state: string
  readonly invalidated: number
}
interface ReadSaid {
  readonly value: unknown
  readonly state: string
  readonly found: boolean
  readonly hit: boolean
}

/** For an answer that a person waits for. */
const limitMs = 10_000
/** A deadlock stays for so long, to be looked at. */
const deadlockMs = 8_000

/** What a person may try out. Each call goes to a node of the service that answers. */
export class Actions {
  readonly #client: NodeClient
  readonly #store: Store
  readonly #watcher: Watcher

  constructor(client: NodeClient, store: Store, watcher: Watcher) {
    this.#client = client
    this.#store = store
    this.#watcher = watcher
  }

  pause(paused: boolean): void {
    this.#store.pause(paused)
    this.#watcher.refresh()
  }

  async acquire(resource: string, client: string, type: 'exclusive' | 'shared'): Promise<Outcome> {
    const body = { resource_id: resource, client_id: client, lock_type: type }
    const answer = await this.#call<AcquireSaid>('lock', '/acquire', { method: 'POST', body })
    return outcomeOf(answer, ({ status, fencing_token: token, position }) =>
      status === 'granted'
        ? `${client} holds ${resource}, token ${token ?? ''}`
        : `${client} is number ${position ?? ''} in the queue of ${resource}`,
    )
  }

  async release(resource: string, client: string): Promise<Outcome> {
    const answer = await this.#call('lock', '/release', { method: 'POST', body: { resource_id: resource, client_id: client } })
    return outcomeOf(answer, () => `${client} has left ${resource}`)
  }

  /** Two clients, each of which holds what the other wants; the service finds it out and refuses the last wait. */
  async deadlock(): Promise<Outcome> {
    const mark = crypto.getRandomValues(new Uint16Array(1)).join('')
    const [alice, bob] = [`alice-${mark}`, `bob-${mark}`]
    const [left, right] = [`left-${mark}`, `right-${mark}`]
    await this.acquire(left, alice, 'exclusive')
    await this.acquire(right, bob, 'exclusive')
    await this.acquire(right, alice, 'exclusive')
    const last = await this.acquire(left, bob, 'exclusive')
    const tidy = async (): Promise<void> => {
      await this.release(right, bob)
      await this.release(right, alice)
      await this.release(left, alice)
    }
    setTimeout(() => void tidy(), deadlockMs)
    return last.isGood ? { isGood: false, text: 'no deadlock was found' } : { isGood: true, text: last.text }
  }

  async produce(queue: string, text: string, count: number): Promise<Outcome> {
    const message = valueOf(text)
    const body = count === 1 ? { queue, message } : { queue, messages: Array.from({ length: count }, () => ({ message })) }
    const answer = await this.#call('queue', '/produce', { method: 'POST', body })
    return outcomeOf(answer, () => `${count === 1 ? 'a message is' : `${count} messages are`} in ${queue}`)
  }

  async consume(queue: string, count: number): Promise<Outcome> {
    const body = { queue, consumer_id: 'console', max: count }
    const answer = await this.#call<ConsumeSaid>('queue', '/consume', { method: 'POST', body })
    const ids = answer.type === 'answered' ? answer.body.messages.map(({ message_id: id }) => id) : []
    if (ids.length === 0) return outcomeOf(answer, () => `${queue} has nothing to deliver`)
    const acked = await this.#call('queue', '/ack', { method: 'POST', body: { message_ids: ids } })
    return outcomeOf(acked, () => `${ids.length === 1 ? 'a message' : `${ids.length} messages`} of ${queue} consumed and acked`)
  }

  async write(node: string, key: string, text: string): Promise<Outcome> {
    const body = { value: valueOf(text) }
    const answer = await this.#call<WriteSaid>('cache', `/write/${encodeURIComponent(key)}`, { method: 'POST', body }, node)
    return outcomeOf(answer, ({ state, invalidated }) => `${key} is ${state} on ${node}; copies that had to go: ${invalidated}`)
  }

  async read(node: string, key: string): Promise<Outcome> {
    const answer = await this.#call<ReadSaid>('cache', `/read/${encodeURIComponent(key)}`, {}, node)
    return outcomeOf(
      answer,
      ({ value, state, found, hit }) =>
        `${found ? JSON.stringify(value).slice(0, 60) : 'nothing'}: ${state} on ${node}, a ${hit ? 'hit' : 'miss'}`,
    )
  }

  /** Only of nodes that `lockstep up` runs. */
  async kill(nodeId: string): Promise<void> {
    const { control } = this.#store.scene.config
    if (control === null) return
    // Whether it is killed shows in what the node answers.
    await fetch(`${control.url}/kill/${encodeURIComponent(nodeId)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${control.token}` },
      signal: AbortSignal.timeout(limitMs),
    }).catch(() => null)
    this.#watcher.refresh()
  }

  /** Of the node of that name, or of whichever answers. */
  async #call<Body>(service: ServiceName, path: string, asked: Asked, node?: string): Promise<Answer<Body>> {
    const { world, sources } = this.#store.scene
    const named = nodesOf(world.nodes, service).find((each) => each.identity.node_id === node && isUp(each))
    const address = named?.address ?? (node === undefined ? sources[service] : null)
    if (address === null) return { type: 'silent' }
    const answer = await this.#client.ask<Body>(address, path, { ...asked, limitMs })
    this.#watcher.refresh()
    return answer
  }
}

function outcomeOf<Body>(answer: Answer<Body>, told: (said: Body) => string): Outcome {
  switch (answer.type) {
    case 'answered':
      return { isGood: true, text: told(answer.body) }
    case 'refused':
      return { isGood: false, text: answer.message }
    case 'locked':
      return { isGood: false, text: 'the token of this tab does not allow that' }
    case 'silent':
      return { isGood: false, text: 'no such node answers' }
  }
}

/** What reads as JSON is that; anything else is a text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
