import { unreachable } from '#base/assert.ts'
import { decodeCatalogueCommand } from './catalogue-codec.ts'
import { readCatalogue, writeCatalogue } from './catalogue-snapshot.ts'
import type {
  Applied,
  CatalogueAnswer,
  CatalogueCommand,
  CatalogueRefusal,
  Delete,
  Deleting,
  Listing,
  Put,
  Reached,
} from './catalogue-types.ts'
import type { CatalogueLimits } from './limits.ts'
import { catalogueLimits, defaultSettings, queueLimits } from './limits.ts'
import type { Generation, QueueDefinition, QueueName, QueueSettings } from './types.ts'
import { generation } from './types.ts'
import { faultOfSettings, isQueueName } from './validation.ts'

/** Everything that is replicated. */
export interface CatalogueState {
  /** One more with every change. */
  version: number
  readonly queues: Map<QueueName, QueueDefinition>
  readonly deleting: Map<Generation, Deleting>
  /** Queues of which some slot may have older settings. */
  readonly changed: Set<QueueName>
}

const emptyCatalogue = (): CatalogueState => ({ version: 0, queues: new Map(), deleting: new Map(), changed: new Set() })

/**
 * The state machine of the catalogue of queues. Every replica applies the same commands in the same order and comes to the same state and
 * answers; it needs neither time nor place for that.
 */
export class Catalogue {
  readonly #limits: CatalogueLimits
  #state = emptyCatalogue()
  /** Names in order; null when they have changed. */
  #names: readonly QueueName[] | null = null

  constructor(limits: CatalogueLimits = catalogueLimits) {
    this.#limits = limits
  }

  get version(): number {
    return this.#state.version
  }
  get size(): number {
    return this.#state.queues.size
  }

  /** Takes any bytes: what is no command is refused and changes nothing. */
  apply(bytes: Uint8Array): CatalogueAnswer {
    const command = decodeCatalogueCommand(bytes)
    return command.ok ? this.#carryOut(command.value) : refuse('malformed', command.error)
  }

  /** Null when there is none of that name, or it is being deleted. */
  find(name: QueueName): Listing | null {
    const definition = this.#state.queues.get(name)
    return definition === undefined ? null : { definition, catalogueVersion: this.#state.version }
  }

  /** By name, those that begin so and come after that one; one by one. */
  *list({ prefix, after }: { readonly prefix: string; readonly after: string | null }): IterableIterator<QueueDefinition> {
    this.#names ??= [...this.#state.queues.keys()].sort()
    for (const name of this.#names) {
      const definition = this.#state.queues.get(name)
      if (definition !== undefined && name.startsWith(prefix) && (after === null || name > after)) yield definition
    }
  }

  /** What slots have still to be told. */
  deleting(): IterableIterator<Deleting> {
    return this.#state.deleting.values()
  }

  /** Queues whose settings slots may still have to be told. */
  *changed(): IterableIterator<Listing> {
    for (const name of this.#state.changed) {
      const listing = this.find(name)
      if (listing !== null) yield listing
    }
  }

  snapshot(): Iterable<Uint8Array> {
    return writeCatalogue(this.#state)
  }

  /** What is wrong with the bytes, or null: then they are the state. */
  restore(bytes: Uint8Array): string | null {
    const restored = readCatalogue(bytes)
    if (!restored.ok) return restored.error
    this.#state = restored.value
    this.#names = null
    return null
  }

  #carryOut(command: CatalogueCommand): CatalogueAnswer {
    switch (command.type) {
      case 'ensure':
        return this.#ensure(command.name)
      case 'put':
        return this.#put(command)
      case 'delete':
        return this.#delete(command)
      case 'applied':
        return this.#applied(command)
      case 'reached':
        return this.#reached(command)
      default:
        return unreachable(command)
    }
  }

  /** Two first messages create one queue, with one set of defaults. */
  #ensure(name: QueueName): CatalogueAnswer {
    const listing = this.find(name)
    if (listing !== null) return { type: 'queue', created: false, ...listing }
    return this.#create(name, 1, defaultSettings)
  }

  #put({ name, partitions, settings, expectedRevision }: Put): CatalogueAnswer {
    const fault = faultOfSettings(settings, queueLimits)
    if (fault !== null) return refuse('invalid', fault)
    const known = this.#state.queues.get(name)
    if (expectedRevision !== null && expectedRevision !== (known?.revision ?? 0)) return refuse('stale_revision')
    if (this.#closesCycle(name, settings)) return refuse('dead_letter_cycle')
    if (known === undefined) return this.#create(name, partitions ?? 1, settings)
    if (partitions !== null && partitions !== known.partitions) return refuse('partitions_fixed')
    this.#state.version++
    const definition = { ...known, settings, revision: this.#state.version }
    this.#state.queues.set(name, definition)
    this.#state.changed.add(name)
    return { type: 'queue', created: false, definition, catalogueVersion: this.#state.version }
  }

  #create(name: QueueName, partitions: number, settings: QueueSettings): CatalogueAnswer {
    const state = this.#state
    if (!isQueueName(name, queueLimits)) return refuse('invalid', 'name')
    if (partitions < 1 || partitions > queueLimits.partitionsPerQueueMax) return refuse('invalid', 'partitions')
    if ([...state.deleting.values()].some((deleting) => deleting.name === name)) return refuse('being_deleted')
    if (state.queues.size + state.deleting.size >= this.#limits.queuesMax) return refuse('too_many_queues')
    state.version++
    const definition = { name, generation: generation(state.version), partitions, settings, revision: state.version }
    state.queues.set(name, definition)
    this.#names = null
    return { type: 'queue', created: true, definition, catalogueVersion: state.version }
  }

  /** Decision Q11. What is there has none, so a walk along the targets ends. */
  #closesCycle(name: QueueName, settings: QueueSettings): boolean {
    for (let target = settings.deadLetterQueue; target !== null;) {
      if (target === name) return true
      target = this.#state.queues.get(target)?.settings.deadLetterQueue ?? null
    }
    return false
  }

  #delete({ name, generation: meant, slots }: Delete): CatalogueAnswer {
    const state = this.#state
    const definition = state.queues.get(name)
    if (definition === undefined) {
      const pending = [...state.deleting.values()].find((deleting) => deleting.name === name)
      return pending === undefined ? refuse('unknown_queue') : { type: 'deleting', ...pending }
    }
    if (definition.generation !== meant) return refuse('stale_generation')
    if (slots.length === 0) return refuse('invalid', 'slots')
    state.version++
    const pending = [...new Set(slots)].sort((left, right) => left - right)
    const deleting = { name, generation: definition.generation, catalogueVersion: state.version, pending }
    state.queues.delete(name)
    state.changed.delete(name)
    state.deleting.set(definition.generation, deleting)
    this.#names = null
    return { type: 'deleting', ...deleting }
  }

  /** What was changed once more meanwhile has still to be told. */
  #reached({ name, revision }: Reached): CatalogueAnswer {
    if (this.#state.queues.get(name)?.revision === revision) this.#state.changed.delete(name)
    return { type: 'noted' }
  }

  /** One that is not being deleted is gone, or was never there. */
  #applied({ generation: deleted, slots }: Applied): CatalogueAnswer {
    const { deleting } = this.#state
    const known = deleting.get(deleted)
    if (known === undefined) return { type: 'gone', generation: deleted }
    const left = { ...known, pending: known.pending.filter((slot) => !slots.includes(slot)) }
    if (left.pending.length > 0) {
      deleting.set(deleted, left)
      return { type: 'deleting', ...left }
    }
    deleting.delete(deleted)
    return { type: 'gone', generation: deleted }
  }
}

const refuse = (code: CatalogueRefusal, detail = ''): CatalogueAnswer => ({ type: 'refused', code, detail })
