import { millis } from '#base/brand.ts'
import { attachWait, detachWait, newWait } from './links.ts'
import type { Wanted } from './links.ts'
import type { Deadline, Owner, SessionAttempt, Verdict, Wait } from './records.ts'
import { itemsOf, refOf, refuse } from './reports.ts'
import { forgetIfIdle } from './state.ts'
import type { LockState, Step } from './state.ts'
import type { Item, LockAnswer } from './types.ts'

/** What a request asks for while it waits. */
export interface WaitTerms {
  readonly ttlMs: number
  readonly lockDelayMs: number
  /** How long it waits; null while its session lives. */
  readonly lifeMs: number | null
  readonly attempt: SessionAttempt | null
}

export function enqueue(step: Step, owner: Owner, wanted: readonly Wanted[], terms: WaitTerms & { readonly upgrade: boolean }): Wait {
  const { state, context } = step
  const { upgrade, ttlMs, lockDelayMs, attempt } = terms
  const fields = { number: ++state.waitNumber, index: context.index, owner, upgrade, ttlMs, lockDelayMs, attempt }
  const wait = newWait(fields, wanted)
  for (const { resource } of wanted) step.touched.add(resource)
  attachWait(state, wait)
  setLife(step, wait, terms.lifeMs)
  return wait
}

/** The request was sent again: it keeps its place, and the new terms hold. */
export function renewWait(step: Step, wait: Wait, terms: WaitTerms): void {
  const { attempt } = wait
  if (attempt !== null) settle(step, attempt, refuse('superseded'))
  wait.attempt = terms.attempt
  if (wait.attempt !== null) wait.attempt.session.outcomes.pending.set(wait.attempt.sequence, wait)
  wait.ttlMs = terms.ttlMs
  wait.lockDelayMs = terms.lockDelayMs
  setLife(step, wait, terms.lifeMs)
}

/** It is over, granted or not: whoever asked last gets the answer. */
export function concludeWait(step: Step, wait: Wait, answer: LockAnswer): void {
  withdraw(step, wait)
  wait.answer = answer
  if (wait.attempt !== null) settle(step, wait.attempt, answer)
}

/** It was not granted. Others may have stood behind it. */
export function endWait(step: Step, wait: Wait, answer: LockAnswer): void {
  const items = itemsOf(wait)
  const at = wait.deadline?.at ?? null
  concludeWait(step, wait, answer)
  const isNews = answer.type === 'deadlock' || (answer.type === 'refused' && answer.code !== 'withdrawn')
  if (wait.attempt === null && isNews) {
    addVerdict(step.state, { number: wait.number, owner: wait.owner, items, answer, deadline: null }, at)
  }
  step.events.push({ type: 'wait-ended', owner: refOf(wait.owner), items, answer })
  forgetIfIdle(step.state, wait.owner.client)
}

/** As if it had never been there. */
export function withdraw(step: Step, wait: Wait): void {
  detachWait(step.state, wait)
  setLife(step, wait, null)
  for (const { resource } of wait.places) step.touched.add(resource)
}

function settle(step: Step, { session, sequence }: SessionAttempt, answer: LockAnswer): void {
  session.outcomes.pending.delete(sequence)
  session.outcomes.record(sequence, answer, step.state.limits.answersPerSessionMax)
  step.events.push({ type: 'settled', attempt: { session: session.id, sequence }, answer })
}

function setLife({ state, context }: Step, wait: Wait, lifeMs: number | null): void {
  if (wait.deadline !== null) state.deadlines.remove(wait.deadline)
  wait.deadline = null
  if (lifeMs === null) return
  const deadline: Deadline = { type: 'wait', wait, at: millis(context.time + lifeMs), id: wait.number, slot: -1 }
  wait.deadline = deadline
  state.deadlines.push(deadline)
}

export function addVerdict(state: LockState, verdict: Verdict, at: number | null): void {
  const { owner, number } = verdict
  const [oldest] = owner.verdicts
  if (oldest !== undefined && owner.verdicts.length >= state.limits.verdictsPerOwnerMax) dropVerdict(state, oldest)
  owner.verdicts = [...owner.verdicts, verdict]
  state.verdicts.add(verdict)
  if (at === null) return
  verdict.deadline = { type: 'verdict', verdict, at: millis(at), id: number, slot: -1 }
  state.deadlines.push(verdict.deadline)
}

export function dropVerdict(state: LockState, verdict: Verdict): void {
  const { owner } = verdict
  owner.verdicts = owner.verdicts.filter((other) => other !== verdict)
  state.verdicts.delete(verdict)
  if (verdict.deadline !== null) state.deadlines.remove(verdict.deadline)
  forgetIfIdle(state, owner.client)
}

/** What became of such a request in the background, told once. */
export function takeVerdict(state: LockState, owners: readonly Owner[], items: readonly Item[]): LockAnswer | null {
  for (const owner of owners) {
    const verdict = owner.verdicts.find((each) => isSameItems(each.items, items))
    if (verdict === undefined) continue
    dropVerdict(state, verdict)
    return verdict.answer
  }
  return null
}

/** The order is part of the request: a client that sends it again sends the same. */
export function isSameItems(left: readonly Item[], right: readonly Item[]): boolean {
  return left.length === right.length && left.every(({ resource, mode }, at) => right[at]?.resource === resource && right[at].mode === mode)
}
