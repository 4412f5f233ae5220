import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import type { MemberRecord } from '#ports/redis-slots.ts'
import { nodeOfMember } from './engine-host.ts'
import { redisEngineLimits } from './limits.ts'

/**
 * Who is there, by clocks that nobody compares. A member writes another number with each beat and trusts what it owns for a lease from when it
 * sent one that was confirmed. Everybody else starts to wait when *they* first see that number, which is later; so whoever waits longer than
 * a lease has outwaited it. A member that is not listed is waited for like one that is silent.
 */
export class Membership {
  readonly #self: Omit<MemberRecord, 'beat'>
  #beat = 0
  #leaseUntil = millis(Number.NEGATIVE_INFINITY)
  #listed: readonly MemberRecord[] = []
  /** Of this name, and listed before this one was: the beats they had then. Null before the first list. */
  #elders: ReadonlyMap<string, number> | null = null
  /** Of each member: the last beat seen, null for none, and when it was seen first. */
  readonly #sightings = new Map<string, { readonly beat: number | null; readonly since: Millis }>()

  constructor(self: Omit<MemberRecord, 'beat'>) {
    this.#self = self
  }

  get leaseUntil(): Millis {
    return this.#leaseUntil
  }

  nextBeat(): MemberRecord {
    this.#beat++
    return this.#own
  }

  /** To be forgotten by. */
  get #own(): MemberRecord {
    return { ...this.#self, beat: this.#beat }
  }
  get own(): MemberRecord {
    return this.#own
  }

  /** The beat that was sent then is confirmed, and these were listed with it. */
  beaten(sentAt: Millis, listed: readonly MemberRecord[], now: Millis): void {
    this.#leaseUntil = millis(Math.max(this.#leaseUntil, sentAt + redisEngineLimits.leaseMs))
    this.#listed = listed
    this.#elders ??= new Map(listed.filter((member) => this.#isNamesake(member)).map(({ id, beat }) => [id, beat]))
    const beats = new Map(listed.map(({ id, beat }) => [id, beat]))
    for (const id of new Set([...beats.keys(), ...this.#sightings.keys()])) this.#sight(id, beats.get(id) ?? null, now)
  }

  /** Another server may have older beats than were seen, so what was seen says nothing about how long anybody has been silent. */
  startOver(): void {
    this.#listed = []
    this.#sightings.clear()
  }

  /** Those that are listed and not overdue, oneself among them. */
  live(now: Millis): readonly MemberRecord[] {
    return this.#listed.filter(({ id }) => id === this.#self.id || !this.isOverdue(id, now))
  }

  /**
   * Another process under this name, which was there before this one and lives; null when there is none. One beat may have been on its way when a former
   * life ended, two mean that it goes on.
   */
  get livingElder(): string | null {
    const elder = this.#listed.find(({ id, beat }) => beat >= (this.#elders?.get(id) ?? Number.POSITIVE_INFINITY) + 2)
    return elder?.id ?? null
  }

  #isNamesake({ id }: MemberRecord): boolean {
    return id !== this.#self.id && nodeOfMember(id).name === nodeOfMember(this.#self.id).name
  }

  get listed(): readonly MemberRecord[] {
    return this.#listed
  }

  /** Whatever this member owned is nobody's now. Asking about one that was never seen begins the waiting. */
  isOverdue(id: string, now: Millis): boolean {
    if (id === this.#self.id) return false
    const sighting = this.#sightings.get(id)
    if (sighting === undefined) this.#sight(id, null, now)
    return sighting !== undefined && now - sighting.since >= redisEngineLimits.overdueMs
  }

  /** Listed, and silent for so long that nobody remembers what it was. */
  forgotten(now: Millis): readonly MemberRecord[] {
    return this.#listed.filter(({ id }) => {
      const since = this.#sightings.get(id)?.since ?? now
      return id !== this.#self.id && now - since >= redisEngineLimits.forgetMs
    })
  }

  #sight(id: string, beat: number | null, now: Millis): void {
    const known = this.#sightings.get(id)
    if (known === undefined || known.beat !== beat) this.#sightings.set(id, { beat, since: now })
  }
}
