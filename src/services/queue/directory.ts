import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { decodeCatalogueAnswer, encodeCatalogueCommand } from '#core/queue/catalogue-codec.ts'
import type { CatalogueAnswer, CatalogueCommand, Listing } from '#core/queue/catalogue-types.ts'
import type { QueueName } from '#core/queue/types.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { Forwarded } from '#services/common/group-path.ts'
import { pathLimits } from '#services/common/limits.ts'
import type { CatalogueQuestion, CatalogueViews } from './catalogue-questions.ts'
import { decodeCatalogueView, encodeCatalogueQuestion } from './catalogue-questions.ts'
import type { QueuePath } from './queue-path.ts'

type ServiceFault = Extract<Forwarded, { ok: false }>['error']

/**
 * Which queues there are, as this node has heard from the catalogue. What is remembered may be old: a slot that does not know the generation any
 * more says so, and then the catalogue is read again (decision Q9).
 */
export class Directory {
  readonly #node: () => SlotHost
  readonly #path: QueuePath
  readonly #group: number
  readonly #known = new Map<QueueName, Listing>()

  /** `path` leads to the group of the catalogue. */
  constructor(node: () => SlotHost, { group, path }: { readonly group: number; readonly path: QueuePath }) {
    this.#node = node
    this.#group = group
    this.#path = path
  }

  /** Null when there is no such queue. */
  async find(name: QueueName): Promise<Result<Listing | null, Fault<'no_leader'>>> {
    const known = this.#known.get(name)
    if (known !== undefined) return ok(known)
    const view = await this.look({ type: 'find', name })
    if (view === null) return err(noLeader())
    if (view.listing !== null) this.#known.set(name, view.listing)
    return ok(view.listing)
  }

  /** Creates it with defaults if there is none. */
  async ensure(name: QueueName): Promise<Result<CatalogueAnswer, ServiceFault>> {
    const known = this.#known.get(name)
    if (known !== undefined) return ok({ type: 'queue', created: false, ...known })
    return this.submit({ type: 'ensure', name })
  }

  async submit(command: CatalogueCommand): Promise<Result<CatalogueAnswer, ServiceFault>> {
    const forwarded = await new Promise<Forwarded>((resolve) => this.#path.forward(encodeCatalogueCommand(command), resolve))
    if (!forwarded.ok) return forwarded
    const answer = decodeCatalogueAnswer(forwarded.value)
    if (!answer.ok) throw new Error(`an answer of the catalogue cannot be read: ${answer.error}`)
    if (answer.value.type === 'queue') this.#known.set(answer.value.definition.name, answer.value)
    if (answer.value.type === 'deleting') this.#known.delete(answer.value.name)
    return ok(answer.value)
  }

  /** What was remembered of it was wrong. */
  forget(name: QueueName): void {
    this.#known.delete(name)
  }

  /** Linearizably; null when nobody could answer in time. */
  async look<Question extends CatalogueQuestion>(question: Question): Promise<CatalogueViews[Question['type']] | null> {
    const bytes = encodeCatalogueQuestion(question)
    const view = await new Promise<Uint8Array | null>((resolve) => {
      const ask = (): void => {
        this.#path.askLeader({ type: 'look', question: bytes }, (asked) => resolve(asked.type === 'view' ? asked.view : null))
      }
      if (!this.#path.hasReplica) return ask()
      // The machine may be gone by then.
      this.query(bytes, (answer) => (answer === null && !this.#path.hasReplica ? ask() : resolve(answer)))
    })
    return view === null ? null : decodeCatalogueView<Question['type']>(question.type, view)
  }

  /** The own replica, for a question of this node or of one that has none. */
  query(question: Uint8Array, done: (view: Uint8Array | null) => void): void {
    this.#node().query(this.#group, question, { timeoutMs: pathLimits.answerMs, done })
  }
}
