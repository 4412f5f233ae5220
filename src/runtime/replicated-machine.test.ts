import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry } from '#core/raft/types.ts'
import { decodeRegisterAnswer, encodeRegisterCommand, RegisterMachine } from '#services/register/register-machine.ts'
import { encodeCommand } from '#wire/command.ts'
import type { Command } from '#wire/command.ts'
import { readParts } from '#wire/parts.ts'
import { unpackValue } from '#wire/value.ts'
import { runtimeLimits } from './limits.ts'
import type { Applied } from './replicated-machine.ts'
import { ReplicatedMachine } from './replicated-machine.ts'

const valuesOf = (answer: Uint8Array): (number | null)[] => (readParts(answer, 0) ?? []).map((part) => decodeRegisterAnswer(part).value)

/** Feeds one machine after another with the commands of one log. */
class Replay {
  /** Of the commands that were carried out. */
  readonly positions: number[] = []
  machine = new ReplicatedMachine(this.#register(), 2)
  #index = 0
  time = millis(0)

  apply(command: Command): Applied {
    const payload = { type: 'command', bytes: encodeCommand(command) } as const
    const entry: Entry = { index: logIndex(++this.#index), term: term(1), time: this.time, wall: wallMillis(0), payload }
    return this.machine.apply(entry)
  }

  add(origin: number, sequence: number, confirmed = 0): number | string | null {
    const body = encodeRegisterCommand({ type: 'add', key: 'k', by: 1 })
    const applied = this.apply({ type: 'identified', origin, sequence, confirmed, bodies: [body] })
    return applied.type === 'answer' ? (valuesOf(applied.answer)[0] ?? null) : applied.type
  }

  open(): number {
    const applied = this.apply({ type: 'open-origin' })
    return applied.type === 'answer' ? (unpackValue(applied.answer) as number) : -1
  }

  #register(): RegisterMachine {
    const register = new RegisterMachine()
    const apply = register.apply.bind(register)
    register.apply = (command, context) => {
      this.positions.push(context.position)
      return apply(command, context)
    }
    return register
  }

  /** As a follower that gets the state instead of the log. */
  continueFromSnapshot(): void {
    const state = Buffer.concat([...this.machine.snapshot()])
    this.machine = new ReplicatedMachine(this.#register(), 2)
    this.machine.restore(state)
    deepEqual(Buffer.concat([...this.machine.snapshot()]), state, 'equal states have equal snapshots')
  }
}

test('commands under one number are carried out one after the other, and all of them once', () => {
  const log = new Replay()
  const origin = log.open()
  const bodies = [1, 10, 100].map((by) => encodeRegisterCommand({ type: 'add', key: 'k', by }))
  for (let times = 0; times < 2; times++) {
    const applied = log.apply({ type: 'identified', origin, sequence: 1, confirmed: 0, bodies })
    deepEqual(applied.type === 'answer' && valuesOf(applied.answer), [1, 11, 111])
  }
  deepEqual(log.positions, [0, 1, 2])
})

test('pitfall 24: a retry is answered from the table, also after two snapshots and restores', () => {
  const log = new Replay()
  const origin = log.open()
  equal(log.add(origin, 1), 1)
  equal(log.add(origin, 2), 2)
  equal(log.add(origin, 1), 1, 'the answer of then')
  for (let times = 0; times < 2; times++) {
    log.continueFromSnapshot()
    equal(log.add(origin, 2), 2)
  }
  equal(log.add(origin, 3), 3, 'and was carried out once')
})

test('pitfall 24: an origin that ran out before the snapshot stays lost after it', () => {
  const log = new Replay()
  const origin = log.open()
  equal(log.add(origin, 1), 1)
  log.time = millis(runtimeLimits.answers.idleMs + 1)
  log.open()
  log.continueFromSnapshot()
  equal(log.add(origin, 1), 'session-lost')
  equal(log.add(origin, 2), 'session-lost')
})

test('an origin is named after the entry that opened it, so no two are ever the same', () => {
  const log = new Replay()
  deepEqual([log.open(), log.open()], [1, 2])
  log.continueFromSnapshot()
  equal(log.open(), 3)
})

test('decision R9: a machine behaves as the version that is in its log, through snapshots, and never as an older one again', () => {
  const log = new Replay()
  equal(log.machine.version, 1)
  log.apply({ type: 'set-version', version: 2 })
  equal(log.machine.version, 2)
  log.continueFromSnapshot()
  equal(log.machine.version, 2)
  log.apply({ type: 'set-version', version: 1 })
  equal(log.machine.version, 2)
})

test('decision R9: a build that does not know the version of its group stops rather than guess', () => {
  const log = new Replay()
  throws(() => log.apply({ type: 'set-version', version: 3 }), /too old/)
})

test('pitfall 42: the answers of many origins are handed over in small pieces', () => {
  const log = new Replay()
  for (let origins = 0; origins < 200; origins++) {
    const origin = log.open()
    for (let sequence = 1; sequence <= 10; sequence++) log.add(origin, sequence)
  }
  const pieces = [...log.machine.snapshot()]
  equal(Math.max(...pieces.map(({ length }) => length)) < 1_000, true)
  log.continueFromSnapshot()
})

test('what a machine keeps of a snapshot does not keep the snapshot in memory', () => {
  const log = new Replay()
  const origin = log.open()
  log.add(origin, 1)
  const state = Buffer.concat([...log.machine.snapshot(), new Uint8Array(0)])
  const large = new Uint8Array(1_000_000)
  large.set(state)
  const restored = new ReplicatedMachine(new RegisterMachine(), 2)
  restored.restore(large.subarray(0, state.length))
  log.machine = restored
  const repeated = log.apply({ type: 'identified', origin, sequence: 1, confirmed: 0, bodies: [new Uint8Array(0)] })
  equal(repeated.type === 'answer' && repeated.answer.buffer.byteLength < 1_000, true)
})
