import { deferred } from '#base/deferred.ts'
import { RecentMap } from '#base/recent-map.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { decodeCatalogueAnswer, encodeCatalogueCommand } from '#core/queue/catalogue-codec.ts'
import type { CatalogueAnswer, CatalogueCommand, Listing } from '#core/queue/catalogue-types.ts'
import type { QueueName } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { Forwarded } from '#services/common/group-path.ts'
import { pathLimits } from '#services/common/limits.ts'
import type { CatalogueQuestion, CatalogueViews } from './catalogue-questions.ts'
import { decodeCatalogueView, encodeCatalogueQuestion } from './catalogue-questions.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { QueuePath } from './queue-path.ts'

type ServiceFault = Extract<Forwarded, { ok: false }>['error']

interface Known {
  readonly listing: Listing
  /** When the catalogue was asked for it. */
  readonly askedAt: number
}

type Found = CatalogueViews['find']

/** One question to the catalogue. */
interface Reading {
  readonly answer: Promise<Found | null>
  /** The answer if it comes soon, otherwise null. */
  readonly soon: Promise<Found | null>
}

/**
 * Which queues there are, as this node has heard from the catalogue. What is remembered may be old: a slot that does not know the generation any
 * more says so, and then the catalogue is read again (decision Q9). Nobody says that settings have changed, so what is remembered ages: first it is
 * read anew beside its use, later before it. While nobody answers for the catalogue it serves as it is.
 */
export class Directory {
  readonly #node: () => SlotHost
  readonly #path: QueuePath
  readonly #group: number
  readonly #clock: Clock
  readonly #known = new RecentMap<QueueName, Known>(limits.listingsMax)
  /** The first that is not answered. */
  readonly #readings = new Map<QueueName, Reading>()

  /** `path` leads to the group of the catalogue. */
  constructor(
    { node, clock }: { readonly node: () => SlotHost; readonly clock: Clock },
    { group, path }: { readonly group: number; readonly path: QueuePath },
  ) {
    this.#node = node
    this.#clock = clock
    this.#group = group
    this.#path = path
  }

  /** Null when there is no such queue. */
  async find(name: QueueName): Promise<Result<Listing | null, Fault<'no_leader'>>> {
    const known = this.#known.get(name)
    const age = known === undefined ? Infinity : this.#clock.now() - known.askedAt
    if (known !== undefined && age < limits.listingFreshMs) return ok(known.listing)
    if (known === undefined) {
      const found = await this.#read(name).answer
      return found === null ? err(noLeader()) : ok(found.listing)
    }
    const { soon } = this.#readings.get(name) ?? this.#read(name)
    const found = age < limits.listingOldMs ? null : await soon
    return ok(found === null ? known.listing : found.listing)
  }

  /** Creates it with defaults if there is none. */
  async ensure(name: QueueName): Promise<Result<CatalogueAnswer, ServiceFault>> {
    const known = this.#known.get(name) === undefined ? null : await this.find(name)
    if (known?.ok === true && known.value !== null) return ok({ type: 'queue', created: false, ...known.value })
    return this.submit({ type: 'ensure', name })
  }

  async submit(command: CatalogueCommand): Promise<Result<CatalogueAnswer, ServiceFault>> {
    const askedAt = this.#clock.now()
    const forwarded = await new Promise<Forwarded>((resolve) => this.#path.forward(encodeCatalogueCommand(command), resolve))
    if (!forwarded.ok) return forwarded
    const answer = decodeCatalogueAnswer(forwarded.value)
    if (!answer.ok) throw new Error(`an answer of the catalogue cannot be read: ${answer.error}`)
    if (answer.value.type === 'queue') this.#remember(answer.value, askedAt)
    if (answer.value.type === 'deleting') this.forget(answer.value.name)
    return ok(answer.value)
  }

  /** What was remembered of it was wrong, and what is being read may be as old. */
  forget(name: QueueName): void {
    this.#known.delete(name)
    this.#readings.delete(name)
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

  #read(name: QueueName): Reading {
    const askedAt = this.#clock.now()
    const answer = this.look({ type: 'find', name })
    const { promise: soon, resolve } = deferred<Found | null>()
    const reading = { answer, soon }
    if (!this.#readings.has(name)) this.#readings.set(name, reading)
    const cancel = this.#clock.after(limits.listingWaitMs, () => resolve(null))
    void answer.then((found) => {
      cancel()
      resolve(found)
      // Otherwise an earlier one tells the same, or something newer has been heard since.
      if (this.#readings.get(name) !== reading) return
      this.#readings.delete(name)
      if (found === null) return
      if (found.listing === null) this.#known.delete(name)
      else this.#remember(found.listing, askedAt)
    })
    return reading
  }

  /** Answers may come in another order than they were given. */
  #remember({ definition, catalogueVersion }: Listing, askedAt: number): void {
    this.#readings.delete(definition.name)
    const known = this.#known.get(definition.name)
    if (known !== undefined && known.listing.catalogueVersion > catalogueVersion) return
    this.#known.set(definition.name, { listing: { definition, catalogueVersion }, askedAt })
  }
}
