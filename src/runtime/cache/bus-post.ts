import type { Clock } from '#ports/clock.ts'
import type { Lane } from '#ports/transport.ts'
import type { BusMessage } from '#wire/cache-bus.ts'
import { busLimits, encodeBus } from '#wire/cache-bus.ts'

export interface BusPostPorts {
  readonly clock: Clock
  /** This node's name. */
  readonly name: string
  readonly notify: (to: string, lane: Lane, content: Uint8Array) => void
  /** What this node says to itself. */
  readonly deliver: (from: string, message: BusMessage) => void
}

interface Letterbox {
  readonly leases: BusMessage[]
  readonly others: BusMessage[]
}

/**
 * What is said on the bus in one turn leaves together, one batch to each node. What leases hang on goes the urgent way, and so does the rest while it
 * is small; a snoop does not overtake the grant before it, which would only make that worthless.
 */
export class BusPost {
  readonly #ports: BusPostPorts
  readonly #boxes = new Map<string, Letterbox>()
  #scheduled = false

  constructor(ports: BusPostPorts) {
    this.#ports = ports
  }

  send(to: string, message: BusMessage): void {
    const box = this.#boxes.get(to) ?? { leases: [], others: [] }
    this.#boxes.set(to, box)
    if (isOfLeases(message)) box.leases.push(message)
    else box.others.push(message)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#ports.clock.soon(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    const boxes = [...this.#boxes]
    this.#boxes.clear()
    for (const [to, { leases, others }] of boxes) {
      if (to === this.#ports.name) for (const message of [...leases, ...others]) this.#ports.deliver(to, message)
      else {
        this.#post(to, 'urgent', leases)
        this.#post(to, others.every(isSnoop) ? 'urgent' : 'bulk', others)
      }
    }
  }

  #post(to: string, lane: Lane, messages: readonly BusMessage[]): void {
    let batch: BusMessage[] = []
    let bytes = 0
    for (const message of messages) {
      const size = sizeOf(message)
      if (batch.length > 0 && (batch.length === busLimits.messagesMax || bytes + size > busLimits.bytesMax)) {
        this.#ports.notify(to, lane, encodeBus(batch))
        batch = []
        bytes = 0
      }
      batch.push(message)
      bytes += size
    }
    if (batch.length > 0) this.#ports.notify(to, lane, encodeBus(batch))
  }
}

const leaseTypes: ReadonlySet<string> = new Set(['open', 'opened', 'renew', 'renewed', 'welcome', 'session-lost'])

function isOfLeases(message: BusMessage): boolean {
  if (message.type === 'who-leads' || message.type === 'leads') return true
  const { message: said } = message
  return leaseTypes.has(said.type) || (said.type === 'arrive' && said.pushes.length === 0)
}

const isSnoop = (message: BusMessage): boolean =>
  (message.type === 'to-agent' && message.message.type === 'snoop') ||
  (message.type === 'to-home' && message.message.type === 'snooped' && message.message.dirty === null)

const overheadBytes = 128

/** About what it takes on the wire: values count, and keys. */
function sizeOf(message: BusMessage): number {
  if (message.type === 'who-leads' || message.type === 'leads') return overheadBytes
  const { message: said } = message
  switch (said.type) {
    case 'arrive':
      return said.pushes.reduce((sum, { key, value }) => sum + key.length + value.size + overheadBytes, overheadBytes)
    case 'request':
      return said.key.length + overheadBytes + (said.body.type === 'read' || said.body.type === 'fill' ? 0 : sizeOfBody(said.body))
    case 'snooped':
      return said.key.length + overheadBytes + (said.dirty?.value.size ?? 0)
    case 'reply':
      return said.key.length + overheadBytes + sizeOfReply(said.body)
    default:
      return overheadBytes
  }
}

type Asked = Extract<BusMessage, { type: 'to-home' }>['message']
type Changing = Extract<Extract<Asked, { type: 'request' }>['body'], { type: 'write' | 'flush' }>

function sizeOfBody(body: Changing): number {
  const dirty = body.dirty?.value.size ?? 0
  if (body.type === 'flush') return dirty
  return body.operations.reduce((sum, { change }) => sum + overheadBytes + (change.type === 'set' ? change.value.size : 0), dirty)
}

type Said = Extract<BusMessage, { type: 'to-agent' }>['message']

function sizeOfReply(body: Extract<Said, { type: 'reply' }>['body']): number {
  if (body.type === 'granted') return body.copy.value?.size ?? 0
  return body.type === 'written' ? body.outcomes.length * overheadBytes + (body.line?.copy.value?.size ?? 0) : 0
}
