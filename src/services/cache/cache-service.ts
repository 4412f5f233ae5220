import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { OpenNumbers } from '#base/open-numbers.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { CacheApi, ChangeFault, NumberFault, ServiceFault, Watched } from '#api/cache/cache-api.ts'
import { cacheDefaults as defaults } from '#api/cache/limits.ts'
import type { Changed, DeleteRequest, IncrementRequest, KeyPath, ReadAnswer, WriteRequest } from '#api/cache/lines.ts'
import type { EventFeed } from '#api/common/events.ts'
import { diskFull, noLeader, overloaded, unavailable, unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import { describeVersion } from '#core/cache/describe.ts'
import { TextValue } from '#core/cache/text-value.ts'
import type { LineState } from '#core/cache/transitions.ts'
import type { Ack, Change, Condition, Identity, Key, Outcome, SlotId } from '#core/cache/types.ts'
import { cacheKey, handle, isOfThisAttempt, slotId } from '#core/cache/types.ts'
import { hash53 } from '#core/ring/hash.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Clock } from '#ports/clock.ts'
import type { AgentHost, GiveUp } from '#runtime/cache/agent-host.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import type { Counts } from './counts.ts'
import { cacheServiceLimits as limits } from './limits.ts'
import { resultOf, versionOfText } from './outcomes.ts'
import type { Viewing } from './viewing.ts'
import { Watches } from './watches.ts'

export interface CacheServicePorts {
  readonly clock: Clock
  readonly agent: () => AgentHost
  /** Null before the node belongs to a cluster. */
  readonly slots: () => number | null
  readonly counts: Counts
  readonly viewing: Viewing
  readonly hasRoom: () => boolean
}

interface Open {
  readonly deadline: Millis
  readonly overdue: () => void
}

/** `lost`: no answer in time, and it may yet be carried out; `idle`: nobody was even asked. */
type Asked = Answer | { readonly type: 'lost' } | { readonly type: 'idle' }

/** Everybody who reads by way of this node, and everybody who writes: nobody here is told what is not in memory (decision C8). */
const readers = handle(0)
const writers = handle(1)

/** The calls of the cache service, carried out by the agent of this node. */
export class CacheService implements CacheApi {
  readonly #ports: CacheServicePorts
  readonly #open: Deadlines<Open>
  readonly #watches: Watches
  /** Of changes that came without an id. */
  readonly #numbers = new OpenNumbers()

  constructor(ports: CacheServicePorts) {
    this.#ports = ports
    const { clock } = ports
    this.#open = new Deadlines({ clock, post: (task) => task() }, ({ overdue }) => overdue())
    this.#watches = new Watches({
      clock,
      read: (key) => this.#watched(key),
      watch: (key, on) => ports.agent().watch(key, on),
    })
  }

  get bus(): EventFeed {
    return this.#ports.counts.hub
  }

  async read({ key }: KeyPath): Promise<Result<ReadAnswer, Fault<ServiceFault>>> {
    this.#ports.counts.called('reads')
    return this.#read(cacheKey(key))
  }

  write(request: KeyPath & WriteRequest): ReturnType<CacheApi['write']> {
    const { key, value, ttl_ms: ttlMs = null, ack = defaults.ack } = request
    const change: Change = { type: 'set', value: TextValue.ofBytes(value), ttlMs, condition: conditionOf(request) }
    return this.#change(key, { change, ack, identity: identityOf(key, request) })
  }

  delete(request: DeleteRequest): ReturnType<CacheApi['delete']> {
    const { key } = request
    const change: Change = { type: 'delete', condition: conditionOf(request) }
    return this.#change(key, { change, ack: defaults.ack, identity: identityOf(key, request) })
  }

  async increment(request: IncrementRequest): ReturnType<CacheApi['increment']> {
    const { key, by = defaults.by } = request
    const changed = await this.#carryOut(key, { change: { type: 'add', by }, ack: defaults.ack, identity: identityOf(key, request) })
    if (!changed.ok) return changed
    const { number, ...fields } = changed.value
    return ok({ ...fields, value: number ?? 0 })
  }

  watch(key: string, listener: (value: Watched) => void): () => void {
    return this.#watches.add(cacheKey(key), listener)
  }

  /** The line of a watched key went. */
  changed(key: Key): void {
    this.#watches.changed(key)
  }

  async status(request: Parameters<CacheApi['status']>[0]): ReturnType<CacheApi['status']> {
    return ok(this.#ports.viewing.status(request))
  }

  async #read(key: Key): Promise<Result<ReadAnswer, Fault<ServiceFault>>> {
    const slot = this.#slotOf(key)
    if (slot === null) return err(notFormed())
    const answer = await this.#ask((done) => this.#ports.agent().read({ slot, key, handle: readers }, false, done))
    if (answer.type === 'overloaded') return err(overloaded('as many calls wait for this key as may'))
    if (answer.type !== 'read') return err(noLeader())
    const { value, version, state, hit } = answer
    const line = { state, version: describeVersion(version), hit }
    return ok(value === null ? { key, value, found: false, ...line } : { key, value: value.bytes as JsonBytes, found: true, ...line })
  }

  async #watched(key: Key): Promise<Watched | null> {
    const read = await this.#read(key)
    if (!read.ok) return null
    const { value, found, version } = read.value
    return { key, value, found, version }
  }

  async #change(key: string, wanted: Wanted): Promise<Result<Changed, Fault<ChangeFault>>> {
    const changed = await this.#carryOut(key, wanted)
    // Nothing is added here.
    if (!changed.ok) return err(changed.error as Fault<ChangeFault>)
    const { number: _, ...fields } = changed.value
    return ok(fields)
  }

  async #carryOut(name: string, wanted: Wanted): Promise<Result<ChangedNumber, Fault<ChangeFault | NumberFault>>> {
    this.#ports.counts.called('writes')
    const calledAt = this.#ports.clock.now()
    if (wanted.identity !== null || wanted.ack !== 'replicated') return this.#insist(name, wanted, calledAt)
    // With an id of this node a change survives its home, and the lease of the agent here.
    const sequence = this.#numbers.begin()
    const client = this.#ports.agent().agent.state.id
    const identity: Identity = { client, sequence, confirmed: this.#numbers.confirmed, retry: false, again: false }
    const result = await this.#insist(name, { ...wanted, identity }, calledAt)
    this.#numbers.end(sequence)
    // It asked for no id, so it needs no room among them.
    return !result.ok && result.error.code === 'too_many_operations' ? this.#insist(name, wanted, calledAt) : result
  }

  async #insist(name: string, wanted: Wanted, calledAt: Millis): Promise<Result<ChangedNumber, Fault<ChangeFault | NumberFault>>> {
    const key = cacheKey(name)
    const slot = this.#slotOf(key)
    if (slot === null) return err(notFormed())
    if (wanted.change.type !== 'delete' && !this.#ports.hasRoom()) return err(diskFull())
    const [answeredBy, toldBy] = [millis(calledAt + limits.answerMs), millis(calledAt + limits.outcomeMs)]
    for (let repeats = 0; ; repeats++) {
      const attempt = repeats === 0 ? wanted : { ...wanted, identity: wanted.identity && { ...wanted.identity, again: true } }
      const answer = await this.#ask((done) => this.#write(slot, key, attempt, done), repeats === 0 ? answeredBy : toldBy)
      if (answer.type === 'idle') return err(repeats > 0 ? unknownOutcome() : noLeader())
      const { outcome, invalidated } = answer.type === 'changed' ? answer : lost
      if (repeats < limits.repeatsMax && this.#mayRepeat(wanted, outcome, toldBy)) continue
      if (repeats > 0 && outcome.type === 'refused' && isOfThisAttempt(outcome.code)) {
        // That says nothing of the attempt before.
        if (repeats === limits.repeatsMax || this.#ports.clock.now() >= toldBy) return err(unknownOutcome())
        await new Promise<void>((resolve) => void this.#ports.clock.after(limits.repeatRestMs, resolve))
        continue
      }
      const result = resultOf(name, outcome)
      if (!result.ok) return result
      this.#watches.changed(key)
      const { version, number } = result.value
      return ok({ key: name, state: this.#stateOf(key), version: describeVersion(version), invalidated, number })
    }
  }

  #write(slot: SlotId, key: Key, { change, ack, identity }: Wanted, done: (answer: Answer) => void): GiveUp {
    return this.#ports.agent().write({ slot, key, handle: writers }, { ack, operation: { change, identity } }, done)
  }

  /**
   * What was asked for under an id within this very call is still remembered if it was carried out, so to ask again carries it out once (rule 12). Of
   * one that the caller may have sent long ago nobody can say that.
   */
  #mayRepeat({ identity }: Wanted, outcome: Outcome, deadline: Millis): boolean {
    return outcome.type === 'unknown' && identity !== null && !identity.retry && this.#ports.clock.now() < deadline
  }

  #ask(
    start: (done: (answer: Answer) => void) => GiveUp,
    deadline: Millis = millis(this.#ports.clock.now() + limits.answerMs),
  ): Promise<Asked> {
    return new Promise((resolve) => {
      let isAnswered = false
      const open: Open = { deadline, overdue: () => resolve(giveUp() ? { type: 'idle' } : { type: 'lost' }) }
      const giveUp = start((answer) => {
        isAnswered = true
        this.#open.delete(open)
        resolve(answer)
      })
      if (!isAnswered) this.#open.add(open)
    })
  }

  #slotOf(key: Key): SlotId | null {
    const slots = this.#ports.slots()
    return slots === null ? null : slotId(slotOf(key, 0, slots))
  }

  #stateOf(key: Key): LineState {
    return this.#ports.agent().agent.state.lines.byKey.get(key)?.state ?? 'I'
  }
}

interface Wanted {
  readonly change: Change
  readonly ack: Ack
  readonly identity: Identity | null
}

interface ChangedNumber extends Changed {
  readonly number: number | null
}

const lost = { outcome: { type: 'unknown' }, invalidated: 0 } as const

const notFormed = (): Fault<'unavailable'> => unavailable('this node does not belong to a cluster yet')

function conditionOf({ if_version: version, if_absent: absent }: Pick<WriteRequest, 'if_version' | 'if_absent'>): Condition {
  if (version !== undefined) return { type: 'version', version: versionOfText(version) }
  return { type: absent === true ? 'absent' : 'none' }
}

/** One id is one change of one key: the same id on another key is another. */
function identityOf(key: string, { operation_id: id, retry = false }: Pick<WriteRequest, 'operation_id' | 'retry'>): Identity | null {
  return id === undefined ? null : { client: `${id}@${hash53(key).toString(36)}`, sequence: 1, confirmed: 0, retry, again: false }
}
