import { doesNotThrow, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Beliefs } from '#sim/queue/beliefs.ts'
import { HeldMessages } from './held-messages.ts'

/** A program that was handed one message. */
class Scene {
  readonly ending = new AbortController()
  readonly beliefs = new Beliefs(
    () => 100,
    () => null,
  )
  readonly held = new HeldMessages('p', this.beliefs)
  isHeld = true
  readonly letGo: () => void

  constructor() {
    const { ending } = this
    const isHeld = (): boolean => this.isHeld
    this.letGo = this.held.told({
      id: 'm',
      deliveryCount: 1,
      signal: ending.signal,
      get isHeld() {
        return isHeld()
      },
    })
  }

  readonly another = (): void => this.beliefs.told('q', { id: 'm', lease: 2, until: 200 })
}

test('a message that another is handed while the signal of the first has not aborted is found', () => {
  throws(new Scene().another, /p, delivery 1 believes/)
})

test('who gives a message back, or whose signal aborts, believes nothing more', () => {
  const given = new Scene()
  given.letGo()
  doesNotThrow(given.another)
  const lost = new Scene()
  lost.ending.abort()
  doesNotThrow(lost.another)
})

test('a program that stands still believes nothing, and is wrong when it says otherwise in its first moment', () => {
  const silent = new Scene()
  silent.held.pause()
  doesNotThrow(silent.another)
  const wrong = new Scene()
  wrong.held.pause()
  wrong.another()
  throws(() => wrong.held.lookAtAll(), /q believes/)
  const right = new Scene()
  right.held.pause()
  right.another()
  right.isHeld = false
  doesNotThrow(() => right.held.lookAtAll())
})

test('a signal that has not aborted in the first turn after a pause is believed', () => {
  const wrong = new Scene()
  wrong.held.pause()
  wrong.another()
  throws(() => wrong.held.resume(), /q believes/)
  const still = new Scene()
  still.held.pause()
  still.held.lookAtAll()
  doesNotThrow(() => still.held.resume())
  throws(still.another, /p, delivery 1 believes/)
})

test('who is dead believes nothing', () => {
  const scene = new Scene()
  scene.held.forget()
  doesNotThrow(scene.another)
})
