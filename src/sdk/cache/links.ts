import type { Prng } from '#base/prng.ts'
import type { Grants } from '#core/access/types.ts'
import type { AgentId } from '#core/cache/types.ts'
import type { Endpoints } from '#sdk/endpoints.ts'
import { Lines } from '#sdk/lines.ts'
import type { Line } from '#sdk/lines.ts'
import type { Attempt } from '#sdk/uplink.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import type { CacheSdkPorts } from './ports.ts'

export type CacheLine = Line<CacheClientMessage>

interface LinkEvents {
  /** A node has let this process in, and told what it may do. */
  welcomed(grants: Grants | null): void
  /** What was sent over it and not answered is not answered any more. */
  down(line: CacheLine): void
  message(line: CacheLine, message: CacheServerMessage): void
  /** An attempt to reach any node failed, and none is reached. */
  failed(attempt: Attempt): void
}

interface LinkOptions {
  readonly agent: AgentId
  readonly software: string
  readonly events: LinkEvents
}

/** Ways of an agent to the homes, which hear over each of them who it is. */
export class CacheLinks {
  readonly #prng: Prng
  readonly #lines: Lines<CacheClientMessage, CacheServerMessage>

  constructor(ports: CacheSdkPorts, endpoints: Endpoints, { agent, software, events }: LinkOptions) {
    this.#prng = ports.prng
    this.#lines = new Lines<CacheClientMessage, CacheServerMessage>(ports, endpoints, {
      service: 'cache',
      software,
      againMs,
      events: {
        up: ({ link }, { grants }) => {
          events.welcomed(grants)
          link.send({ type: 'enter', agent })
        },
        down: (line) => events.down(line),
        message: (line, message) => {
          if (message.type === 'leaders') endpoints.learn(message.members)
          events.message(line, message)
        },
        failed: (attempt) => events.failed(attempt),
      },
    })
  }

  start(): void {
    this.#lines.start()
  }

  stop(): void {
    this.#lines.stop()
  }

  /** The node that everything can be sent to; null while there is none. */
  get node(): string | null {
    return this.#lines.node
  }

  /** To that node, or to one that passes it on. */
  send(node: string, message: CacheClientMessage): void {
    const line = this.lineTo(node) ?? this.#lines.any
    line?.link.send(message)
  }

  /** To whichever node there is: not always the same one, as it may know nothing. */
  ask(message: CacheClientMessage): void {
    const { all } = this.#lines
    if (all.length > 0) this.#prng.pick(all).link.send(message)
  }

  /** Null while it is not there; then it is made. */
  lineTo(node: string): CacheLine | null {
    return this.#lines.to(node)
  }
}

/** Before a line that broke is made again: a lease may hang on it. */
const againMs = 50
