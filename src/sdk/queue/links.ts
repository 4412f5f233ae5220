import type { Endpoints } from '#sdk/endpoints.ts'
import { sdkLimits } from '#sdk/limits.ts'
import { Lines } from '#sdk/lines.ts'
import type { Line } from '#sdk/lines.ts'
import type { Attempt } from '#sdk/uplink.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import type { QueueSdkPorts } from './ports.ts'

export type QueueLine = Line<QueueClientMessage>

export interface LinkEvents {
  up(line: QueueLine): void
  /** What was sent over it and not answered is not answered any more. */
  down(line: QueueLine): void
  message(line: QueueLine, message: QueueServerMessage): void
  /** Another node leads the slot. */
  moved(slot: number): void
  /** An attempt to reach any node failed, and none is reached. */
  failed(attempt: Attempt): void
}

/** Ways to the nodes, and who of them leads which slot. */
export class QueueLinks {
  readonly #endpoints: Endpoints
  readonly #events: LinkEvents
  readonly #lines: Lines<QueueClientMessage, QueueServerMessage>
  readonly #leaders = new Map<number, string>()

  constructor(
    ports: QueueSdkPorts,
    endpoints: Endpoints,
    { software, events }: { readonly software: string; readonly events: LinkEvents },
  ) {
    this.#endpoints = endpoints
    this.#events = events
    this.#lines = new Lines<QueueClientMessage, QueueServerMessage>(ports, endpoints, {
      service: 'queue',
      software,
      againMs: sdkLimits.followMs,
      events: {
        up: (line) => events.up(line),
        down: (line) => events.down(line),
        message: (line, message) => this.#message(line, message),
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

  /** Where a call about the slot goes now; null while no node is reached. */
  lineFor(slot: number | null): QueueLine | null {
    const leader = slot === null ? undefined : this.#leaders.get(slot)
    return (leader === undefined ? null : this.#lines.to(leader)) ?? this.#lines.any
  }

  /** Its node has not answered, and another one may. */
  unanswered(line: QueueLine): void {
    this.#lines.leave(line)
  }

  #message(line: QueueLine, message: QueueServerMessage): void {
    if (message.type !== 'leaders') return this.#events.message(line, message)
    this.#endpoints.learn(message.members)
    for (const { slot, node } of message.leaders) {
      const before = this.#leaders.get(slot)
      // A node that knows of no leader says nothing against what others know.
      if (node === null || node === before) continue
      this.#leaders.set(slot, node)
      if (before !== undefined) this.#events.moved(slot)
    }
  }
}
