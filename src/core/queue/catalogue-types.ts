import type { Generation, QueueDefinition, QueueName, QueueSettings } from './types.ts'

/**
 * The vocabulary of the catalogue: which queues there are in the whole cluster. It is replicated by one group, the slots by others, so a
 * queue has a *generation*, the version of the catalogue in which it was created, and whatever reaches a slot names it (decision Q9).
 *
 * Settings that were changed take two steps too: they hold here at once, and the catalogue knows until it is told otherwise that some slot may not
 * have them yet. A slot hears of a new queue when it is first asked about it.
 *
 * A deletion takes two steps: from the first on the queue is not given out any more, and its name is taken until every slot has said that it
 * holds nothing of it. Only then is it gone, and only then is a DELETE answered.
 */

/** Created with defaults when there is no queue of that name: what a first message does. */
interface Ensure {
  readonly type: 'ensure'
  readonly name: QueueName
}

/** Creates a queue, or changes its settings. */
export interface Put {
  readonly type: 'put'
  readonly name: QueueName
  /** Null: as it is, or 1. They never change (decision Q8). */
  readonly partitions: number | null
  readonly settings: QueueSettings
  /** Null: whatever it is; 0: there must be none. */
  readonly expectedRevision: number | null
}

export interface Delete {
  readonly type: 'delete'
  readonly name: QueueName
  /** Which queue of that name. Null: the one that is being deleted already. */
  readonly generation: Generation | null
  /** All that may hold something of it. */
  readonly slots: readonly number[]
}

/** These slots have carried the deletion out. */
export interface Applied {
  readonly type: 'applied'
  readonly generation: Generation
  readonly slots: readonly number[]
}

/** Every slot of the queue has its settings of that revision, or newer ones. */
export interface Reached {
  readonly type: 'reached'
  readonly name: QueueName
  readonly revision: number
}

export type CatalogueCommand = Ensure | Put | Delete | Applied | Reached

/** What a slot is told with `configure`. */
export interface Listing {
  readonly definition: QueueDefinition
  /** In which it was read. */
  readonly catalogueVersion: number
}

export interface Deleting {
  readonly name: QueueName
  readonly generation: Generation
  /** From which on it is being deleted. */
  readonly catalogueVersion: number
  /** Slots that have not carried it out, ascending. */
  readonly pending: readonly number[]
}

export type CatalogueAnswer =
  | ({ readonly type: 'queue'; readonly created: boolean } & Listing)
  | ({ readonly type: 'deleting' } & Deleting)
  | { readonly type: 'gone'; readonly generation: Generation }
  | { readonly type: 'noted' }
  | { readonly type: 'refused'; readonly code: CatalogueRefusal; readonly detail: string }

/** Stable: clients act on them. */
export type CatalogueRefusal =
  | 'malformed'
  | 'invalid'
  | 'unknown_queue'
  /** Its name is free when every slot has carried the deletion out. */
  | 'being_deleted'
  | 'partitions_fixed'
  /** The dead letters of some queue would come back to it (decision Q11). */
  | 'dead_letter_cycle'
  | 'stale_revision'
  /** The name is that of another queue by now. */
  | 'stale_generation'
  | 'too_many_queues'
