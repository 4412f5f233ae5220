import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { audit, outcomeOf } from '#services/common/audit.ts'
import type { Consuming } from './consuming.ts'
import type { Managing } from './managing.ts'
import type { Producing } from './producing.ts'
import type { Settling } from './settling.ts'
import type { Viewing } from './viewing.ts'

export interface QueueServiceParts {
  readonly producing: Producing
  readonly consuming: Consuming
  readonly settling: Settling
  readonly managing: Managing
  readonly viewing: Viewing
  readonly telemetry: Pick<Telemetry, 'log'>
}

/** The calls of the queue service, each carried out by the part that it concerns. */
export class QueueService implements QueueApi {
  readonly #parts: QueueServiceParts

  constructor(parts: QueueServiceParts) {
    this.#parts = parts
  }

  produce(request: Parameters<QueueApi['produce']>[0], _call: Call): ReturnType<QueueApi['produce']> {
    return this.#parts.producing.produce(request)
  }

  consume(request: Parameters<QueueApi['consume']>[0], call: Call): ReturnType<QueueApi['consume']> {
    return this.#parts.consuming.consume(request, call)
  }

  undelivered(receipts: readonly string[]): void {
    this.#parts.settling.undelivered(receipts)
  }

  ack(request: Parameters<QueueApi['ack']>[0], _call: Call): ReturnType<QueueApi['ack']> {
    return this.#parts.settling.ack(request)
  }

  nack(request: Parameters<QueueApi['nack']>[0], _call: Call): ReturnType<QueueApi['nack']> {
    return this.#parts.settling.nack(request)
  }

  extend(request: Parameters<QueueApi['extend']>[0], _call: Call): ReturnType<QueueApi['extend']> {
    return this.#parts.settling.extend(request)
  }

  cancel(request: Parameters<QueueApi['cancel']>[0], _call: Call): ReturnType<QueueApi['cancel']> {
    return this.#parts.settling.cancel(request)
  }

  putQueue(request: Parameters<QueueApi['putQueue']>[0], call: Call): ReturnType<QueueApi['putQueue']> {
    return this.#audited({ action: 'putQueue', queue: request.queue }, call, this.#parts.managing.put(request))
  }

  deleteQueue(request: Parameters<QueueApi['deleteQueue']>[0], call: Call): ReturnType<QueueApi['deleteQueue']> {
    return this.#audited({ action: 'deleteQueue', queue: request.queue }, call, this.#parts.managing.delete(request))
  }

  purge(request: Parameters<QueueApi['purge']>[0], call: Call): ReturnType<QueueApi['purge']> {
    return this.#audited({ action: 'purge', queue: request.queue }, call, this.#parts.managing.purge(request))
  }

  redrive(request: Parameters<QueueApi['redrive']>[0], call: Call): ReturnType<QueueApi['redrive']> {
    return this.#audited({ action: 'redrive', queue: request.queue }, call, this.#parts.managing.redrive(request))
  }

  cancelRedrive(request: Parameters<QueueApi['cancelRedrive']>[0], call: Call): ReturnType<QueueApi['cancelRedrive']> {
    return this.#audited({ action: 'cancelRedrive', queue: request.queue }, call, this.#parts.managing.cancelRedrive(request))
  }

  queues(request: Parameters<QueueApi['queues']>[0], _call: Call): ReturnType<QueueApi['queues']> {
    return this.#parts.viewing.queues(request)
  }

  queue(request: Parameters<QueueApi['queue']>[0], _call: Call): ReturnType<QueueApi['queue']> {
    return this.#parts.viewing.queue(request)
  }

  peek(request: Parameters<QueueApi['peek']>[0], _call: Call): ReturnType<QueueApi['peek']> {
    return this.#parts.viewing.peek(request)
  }

  scheduled(request: Parameters<QueueApi['scheduled']>[0], _call: Call): ReturnType<QueueApi['scheduled']> {
    return this.#parts.viewing.scheduled(request)
  }

  status(request: Parameters<QueueApi['status']>[0], _call: Call): ReturnType<QueueApi['status']> {
    return this.#parts.viewing.status(request)
  }

  async #audited<Answer extends Result<unknown, Fault>>(
    { action, queue }: { readonly action: string; readonly queue: string },
    call: Call,
    answering: Promise<Answer>,
  ): Promise<Answer> {
    const answer = await answering
    audit(this.#parts.telemetry, call, { action, about: { queue }, outcome: outcomeOf(answer) })
    return answer
  }
}
