import { present } from '#base/assert.ts'
import type { Answer } from './agent-state.ts'
import { describeOutcome, textOf } from './describe.ts'
import type { Letter, World } from './testkit.ts'
import { TestValue, describeLetter, own } from './testkit.ts'
import type { Change, Condition, Identity, Key } from './types.ts'
import { agentId, cacheKey } from './types.ts'

/** What tests say of a world in few words. */

export const k = cacheKey('k')
export const l = cacheKey('l')
export const always: Condition = { type: 'none' }
export const set = (text: string, condition: Condition = always, ttlMs: number | null = null): Change => ({
  type: 'set',
  value: new TestValue(text),
  ttlMs,
  condition,
})
export const add: Change = { type: 'add', by: 1 }

/** What became of a call: a value, `done`, or `…` while it is open. */
export function outcomeOf(world: World, id: number): string {
  const answer: Answer | undefined = world.witness.answers.get(id)
  if (answer === undefined) return '…'
  if (answer.type === 'read') return textOf(answer.value)
  return answer.type === 'changed' ? describeOutcome(answer.outcome).replace(/ \(.*/, '') : answer.type
}

export function read(world: World, name: string, key: Key = k): string {
  const id = world.read(name, key)
  world.settle()
  return outcomeOf(world, id)
}

export function write(world: World, name: string, change: Change, identity: Identity | null = null): string {
  const id = world.write(name, k, change, { identity })
  world.settle()
  return outcomeOf(world, id)
}

export const stateAt = (world: World, name: string, key: Key = k): string => world.agent(name).state.lines.byKey.get(key)?.state ?? 'I'

/** The first message on its way that reads like this. */
export function letter(world: World, says: string): Letter {
  const found = world.letters.find((one) => describeLetter(one).includes(says))
  return present(found, `no such message: ${says}`)
}

export const deliver = (world: World, ...says: readonly string[]): void => {
  for (const one of says) world.deliver(letter(world, one))
}

export const applyAll = (world: World): void => {
  while (world.log.length > 0) world.apply()
}

export const ownWrite = (world: World, name: string, text: string, key: Key = k): boolean =>
  world.agent(name).setSync(key, new TestValue(text), own, world.timeOf(agentId(name)))
