import { present } from '#base/assert.ts'
import { HistoryRecorder } from '#sim/checker/history.ts'
import type { Operation } from '#sim/checker/history.ts'
import { checkLinearizability } from '#sim/checker/linearizability.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { CacheInput, CacheOutput } from './cache-model.ts'
import { cacheModel } from './cache-model.ts'
import { effectOf, effectsIn, madeBy } from './effects.ts'
import { isEndedByMemory } from './key-log.ts'
import type { KeyLog, Moment } from './key-log.ts'
import type { Ledger } from './ledger.ts'
import { untoldDeletes } from './untold-deletes.ts'

/** A call that a client has made and not heard of. */
export interface Claim {
  readonly id: number
  readonly client: string
  readonly key: string
  readonly input: CacheInput
  /** When it was made, in true time. */
  readonly at: number
  /** What anybody had been told of the key by then, as a place in its log. */
  readonly floor: number
}

/** What a client is told of a value. */
export interface Told {
  readonly version: string
  readonly value: number | null
}

/** What a key had when somebody began to clear it, as a place in its log. */
export type Clearance = ReadonlyMap<string, number>

/** A change that no client is told the version of: the log knows it by what it made. */
interface Unheard {
  readonly claim: Claim
  /** Of a refusal that says so; of a loader; or of whoever is dead, or will not be told any more. */
  readonly kind: 'refused' | 'loaded' | 'doubtful'
  /** What the key had then, as a place in its log. */
  readonly position: number
}

/** A change that is in the log, and that nobody was told of yet: who has an older copy may still read that. */
interface Untold {
  readonly id: number
  readonly output: CacheOutput
  readonly position: number
}

/** A write that was answered by an owner before it was in memory. */
interface Owed {
  readonly claim: Claim
  readonly version: string
  readonly value: number
  readonly agent: string
}

/**
 * What clients are told, in true time. Twice: by the log, which knows what each version is and what came before it; and by what they
 * read and wrote alone, which must be linearizable, with what memory ends by itself as deletes.
 *
 * What an owner has answered takes effect when it is in the log, and nobody else may be told of it before; or it was lost, and never was.
 */
export class Claims {
  readonly totals = { reads: 0, absent: 0, changes: 0, owed: 0, owedSeen: 0, owedLost: 0, endedByMemory: 0, clearsTold: 0 }
  readonly #now: () => number
  readonly #history: HistoryRecorder<CacheInput, CacheOutput>
  /** What memory did by itself. */
  readonly #ended: Operation<CacheInput, CacheOutput>[] = []
  readonly #claims = new Map<number, Claim>()
  readonly #told = new Map<string, number>()
  readonly #owed = new Map<string, Owed>()
  /** Writes that an owner may carry out at any time, and that nobody waits for any more. */
  readonly #unanswered = new Map<string, Claim>()
  readonly #unheard = new Map<string, Unheard>()
  readonly #untold = new Map<string, readonly Untold[]>()
  /** Moments of the log that somebody was told of as the delete that was asked for before. */
  readonly #deletesTold = new Set<string>()
  /** Keys that were deleted by who is told of no version. */
  readonly #deletedBlindly = new Set<string>()
  readonly #ledger: () => Ledger

  constructor(now: () => number, ledger: () => Ledger) {
    this.#now = now
    this.#ledger = ledger
    this.#history = new HistoryRecorder(now)
  }

  called(client: string, key: string, input: CacheInput): Claim {
    const claim = { id: this.#history.call({ client, key, input }), client, key, input, at: this.#now(), floor: this.toldOf(key) }
    this.#claims.set(claim.id, claim)
    return claim
  }

  /** As a place in the log of the key. */
  toldOf(key: string): number {
    return this.#told.get(key) ?? 0
  }

  read(claim: Claim, told: Told): void {
    const moment = this.#momentOf(claim, told)
    this.totals.reads++
    if (told.value === null) this.totals.absent++
    this.#tell(claim.key, moment)
    this.#history.returned(claim.id, { type: 'value', value: told.value })
  }

  /** By the only one that may see it; true when that is so, and then it says nothing about memory. */
  readPrivately(claim: Claim, { version, value }: Told, agent: string): boolean {
    if (!this.isPrivate(claim, { version, value }, agent)) return false
    this.#history.refused(claim.id)
    return true
  }

  /** Whether memory does not have it, and then it is for the only one that may see it. */
  isPrivate({ client, key }: Pick<Claim, 'client' | 'key'>, { version, value }: Told, agent: string): boolean {
    const owed = this.#owed.get(nameOf(key, version))
    if (owed === undefined) {
      const isInMemory = this.#ledger().of(key).of(version) !== null
      return !isInMemory && this.#unanswered.get(nameOf(key, String(value)))?.client === client
    }
    if (owed.claim.client !== client || owed.agent !== agent || owed.value !== value)
      throw new Violation(`${client} reads ${value} of ${key}, which ${owed.claim.client} has written and memory does not have`)
    return true
  }

  /** By who is told of no version: no two writes have the same value. */
  readValue(claim: Claim, value: number | null, agent: string): 'in-memory' | 'private' {
    const { key } = claim
    const moment = value === null ? null : this.#ledger().of(key).with(value)
    const owed = value === null || moment !== null ? undefined : this.#owedOf(key, value)
    if (owed !== undefined && this.readPrivately(claim, { version: owed.version, value }, agent)) return 'private'
    if (value !== null && moment === null) throw new Violation(`${claim.client} reads ${value} of ${key}, which is not in the log (rule 6)`)
    this.read(claim, { version: moment?.version ?? '', value })
    return 'in-memory'
  }

  /** A loader begins, whose value may be stored if nobody writes the key meanwhile (decision C10). */
  loading(client: string, key: string, value: number): Claim {
    const claim = this.called(client, key, { type: 'fill', value })
    this.#listen(claim, 'loaded')
    return claim
  }

  /** What a loader brought is given to who asked, stored or not, if it began after that. */
  filled(claim: Claim, value: number | null, { agent, isBrought }: { readonly agent: string; readonly isBrought: boolean }): void {
    if (isBrought && (value === null || this.#ledger().of(claim.key).with(value) === null)) this.refused(claim)
    else this.readValue(claim, value, agent)
  }

  /** An addition, by its sum. */
  summed(claim: Claim, sum: number): void {
    const moment = this.#ledger().of(claim.key).with(sum)
    this.changed(claim, { version: moment?.version ?? '', value: sum }, null)
  }

  /** Without a condition, and without a version. */
  deleted(claim: Claim): void {
    const { key, client, floor } = claim
    const absent = this.#ledger().of(key).absentFrom(floor)
    if (absent === null) throw new Violation(`${client} is told that ${key} is deleted, and it has had a value all the time`)
    this.totals.changes++
    this.#deletedBlindly.add(key)
    this.#tell(key, absent)
    this.#history.returned(claim.id, { type: 'done' }, absent.position)
  }

  /** Nobody will be told what came of it. */
  doubtful(claim: Claim): void {
    if (claim.input.type === 'read') this.refused(claim)
    else this.#listen(claim, 'doubtful')
  }

  /** To be answered by an owner; whoever has made the call waits no longer. */
  unanswered(claim: Claim): void {
    if (claim.input.type === 'set') this.#unanswered.set(nameOf(claim.key, String(claim.input.value)), claim)
  }

  /** It was said not to be carried out, so it never is. */
  notDone(claim: Claim): void {
    this.refused(claim)
    this.#listen(claim, 'refused')
  }

  /** `owner` names the agent that may have answered by itself; null when memory must have it. */
  changed(claim: Claim, { version, value }: Told, owner: string | null): 'in-memory' | 'owed' {
    const { key, input, floor, client } = claim
    const moment = this.#ledger().of(key).of(version)
    this.totals.changes++
    if (moment === null) {
      if (owner === null || input.type !== 'set')
        throw new Violation(`${client} is told that its ${input.type} of ${key} is version ${version}, and the log does not have it`)
      this.totals.owed++
      this.#owed.set(nameOf(key, version), { claim, version, value: input.value, agent: owner })
      return 'owed'
    }
    if (moment.position <= floor)
      throw new Violation(
        `${client} is told that its ${input.type} of ${key} is version ${version}, which is older than what was told before`,
      )
    if (moment.value !== madeBy(input, value))
      throw new Violation(`${client} is told that its ${input.type} of ${key} is version ${version}, which is ${moment.value}`)
    if (moment.value === null && claim.at <= moment.since) this.#deletesTold.add(nameOf(key, version))
    this.#tell(key, moment)
    this.#history.returned(claim.id, input.type === 'add' ? { type: 'value', value } : { type: 'done' }, moment.position)
    return 'in-memory'
  }

  mismatch({ id }: Claim): void {
    this.#history.returned(id, { type: 'mismatch' })
  }

  refused({ id }: Claim): void {
    this.#history.refused(id)
  }

  clearing(keys: readonly string[]): Clearance {
    return new Map(keys.map((key) => [key, this.#ledger().of(key).last.position]))
  }

  /** Nothing is left of what was there before. */
  cleared(client: string, clearance: Clearance): void {
    this.totals.clearsTold++
    for (const [key, position] of clearance) {
      const absent = this.#ledger().of(key).absentFrom(position)
      if (absent === null) throw new Violation(`${client} is told that ${key} is cleared, and it has had a value all the time`)
      this.#tell(key, absent)
    }
  }

  /** The log has something new of a key. */
  added({ key }: KeyLog, moment: Moment, before: Moment): void {
    const owed = this.#owed.get(nameOf(key, moment.version))
    if (owed !== undefined) {
      this.#owed.delete(nameOf(key, moment.version))
      this.totals.owedSeen++
      if (owed.value !== moment.value)
        throw new Violation(`${owed.claim.client} wrote ${owed.value} to ${key}, and it is ${moment.value} in the log`)
      this.#history.returned(owed.claim.id, { type: 'done' }, moment.position)
    }
    this.#hear(key, moment, before)
    if (!isEndedByMemory(moment.cause)) return
    this.totals.endedByMemory++
    // All copies went before it.
    this.#tell(key, moment)
    const outcome = { type: 'returned', at: this.#now(), output: { type: 'done' } } as const
    this.#ended.push({ client: 'memory', key, calledAt: before.since, input: { type: 'delete' }, outcome, place: moment.position })
  }

  /** What a copy of a key that may be read is, at any moment. */
  seen(holder: string, key: string, told: Told): void {
    this.#momentOf({ client: holder, key, floor: this.toldOf(key) }, told)
  }

  /** What a watcher is told after what it was told before; the place in the log. */
  watched(watcher: string, { key, after, told }: { readonly key: string; readonly after: number; readonly told: Told }): number {
    return this.#momentOf({ client: watcher, key, floor: after }, told).position
  }

  #owedOf(key: string, value: number): Owed | undefined {
    for (const owed of this.#owed.values()) if (owed.claim.key === key && owed.value === value) return owed
    return undefined
  }

  #listen(claim: Claim, kind: Unheard['kind']): void {
    const effect = effectOf(claim)
    if (effect === null) return
    const unheard = { claim, kind, position: this.#ledger().of(claim.key).last.position }
    const earlier = this.#momentWith(claim.key, effect)
    if (earlier === null) this.#unheard.set(nameOf(claim.key, effect), unheard)
    else this.#heard(unheard, earlier)
  }

  #hear(key: string, moment: Moment, before: Moment): void {
    for (const effect of effectsIn(moment, before)) {
      const unheard = this.#unheard.get(nameOf(key, effect))
      if (unheard === undefined) continue
      this.#unheard.delete(nameOf(key, effect))
      this.#heard(unheard, moment)
    }
  }

  #heard({ claim: { id, key, client, input }, kind, position }: Unheard, moment: Moment): void {
    const { version, position: at } = moment
    if (kind === 'refused')
      throw new Violation(`${client} was told that its ${input.type} of ${key} is not carried out, and it is version ${version}`)
    if (kind === 'loaded' && at !== position + 1)
      throw new Violation(`${client} has loaded ${key}, which was written meanwhile, and it is stored as version ${version} (decision C10)`)
    this.#untold.set(key, [...(this.#untold.get(key) ?? []), { id, output: outputOf(input, moment), position: at }])
    if (at <= this.toldOf(key)) this.#return(key)
  }

  /** At rest. `lostBy` says how many values an agent knows to have lost; null for one that is dead. */
  judge(lostBy: (agent: string) => number | null): void {
    this.#judgeLost(lostBy)
    // What never came into the log never was.
    for (const { claim, kind } of this.#unheard.values()) if (kind !== 'refused') this.#history.refused(claim.id)
    this.#endOpen()
    const verdict = checkLinearizability(cacheModel, [...this.#history.operations(), ...this.#ended])
    if (verdict.type === 'violation') throw new Violation(`not linearizable:\n${verdict.counterexample.text}`)
    if (verdict.type === 'undecided') throw new Violation(`linearizability is undecided for ${verdict.keys.join(', ')}`)
  }

  /** Nothing is under way any more, so the log says of all that nobody was told of whether it was carried out. */
  #endOpen(): void {
    const deletes: Claim[] = []
    for (const id of this.#history.open()) {
      const claim = present(this.#claims.get(id), 'what is open was claimed')
      const effect = effectOf(claim)
      if (effect === null) {
        deletes.push(claim)
        continue
      }
      const moment = this.#momentWith(claim.key, effect)
      if (moment === null) this.#history.refused(id)
      else this.#history.returned(id, outputOf(claim.input, moment), moment.position)
    }
    for (const [key, open] of Map.groupBy(deletes, ({ key: of }) => of)) if (!this.#deletedBlindly.has(key)) this.#endDeletes(key, open)
  }

  #endDeletes(key: string, open: readonly Claim[]): void {
    const ended = untoldDeletes(this.#ledger().of(key), open, (version) => this.#deletesTold.has(nameOf(key, version)))
    for (const [id, place] of ended?.placed ?? []) this.#history.placed(id, place)
    for (const { id } of ended?.void ?? []) this.#history.refused(id)
  }

  #momentWith(key: string, effect: string): Moment | null {
    const log = this.#ledger().of(key)
    return log.findLast((moment) => effectsIn(moment, log.before(moment)).includes(effect))
  }

  #judgeLost(lostBy: (agent: string) => number | null): void {
    const lost = new Map<string, string[]>()
    for (const { claim, agent, version } of this.#owed.values()) {
      this.#history.refused(claim.id)
      if (this.#isOverwritten(claim.key, version) || this.#ledger().wasDropped(claim.key, version)) continue
      this.totals.owedLost++
      lost.set(agent, [...(lost.get(agent) ?? []), `${version} of ${claim.key}`])
    }
    for (const [agent, writes] of lost) {
      const counted = lostBy(agent)
      if (counted !== null && counted < writes.length)
        throw new Violation(`${agent} has answered and lost ${writes.length} writes, and counts ${counted}: ${writes.join(', ')}`)
    }
  }

  /** By the same owner, in the same line: only the last one is there to be lost. */
  #isOverwritten(key: string, version: string): boolean {
    const [term, grant, sequence = 0] = version.split('.').map(Number)
    const isLater = (other: string): boolean => {
      const [inTerm, by, later = 0] = other.split('.').map(Number)
      return inTerm === term && by === grant && later > sequence
    }
    const isOwed = [...this.#owed.values()].some((other) => other.claim.key === key && isLater(other.version))
    return (
      isOwed ||
      this.#ledger()
        .of(key)
        .some(({ version: other, cause }) => !isEndedByMemory(cause) && isLater(other))
    )
  }

  #momentOf({ client, key, floor }: Pick<Claim, 'client' | 'key' | 'floor'>, { version, value }: Told): Moment {
    const log = this.#ledger().of(key)
    if (value === null) {
      const absent = log.absentFrom(floor)
      if (absent === null) throw new Violation(`${client} finds ${key} absent, and it has had a value since before what was told before`)
      return absent
    }
    const moment = log.of(version)
    if (moment === null) throw new Violation(`${client} is told version ${version} of ${key}, which is not in the log (rule 6)`)
    if (moment.value !== value)
      throw new Violation(`${client} is told that version ${version} of ${key} is ${value}, and it is ${moment.value}`)
    if (moment.position < floor)
      throw new Violation(`${client} is told version ${version} of ${key}, which is older than what was told before`)
    return moment
  }

  #tell(key: string, { position }: Moment): void {
    this.#told.set(key, Math.max(position, this.toldOf(key)))
    this.#return(key)
  }

  /** What somebody was told of, or of something after it, has taken effect by now. */
  #return(key: string): void {
    const untold = this.#untold.get(key)
    if (untold === undefined) return
    const told = this.toldOf(key)
    for (const { id, output, position } of untold) if (position <= told) this.#history.returned(id, output, position)
    this.#untold.set(
      key,
      untold.filter(({ position }) => position > told),
    )
  }
}

const outputOf = (input: CacheInput, { value }: Moment): CacheOutput => (input.type === 'add' ? { type: 'value', value } : { type: 'done' })

const nameOf = (key: string, version: string): string => `${key} ${version}`
