import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Beliefs } from './beliefs.ts'

class Scene {
  now = 0
  readonly keys = new Map<string, string>()
  readonly beliefs = new Beliefs(
    () => this.now,
    (id) => this.keys.get(id) ?? null,
  )

  tells(consumer: string, lease: number, until: number): void {
    this.beliefs.told(consumer, { id: 'm', lease, until })
  }
}

test('two consumers that believe at one time that a message is theirs are found', () => {
  const scene = new Scene()
  scene.tells('C', 1, 100)
  scene.now = 99
  throws(() => scene.tells('D', 2, 200), /m is delivered to D, and C believes to have it until 100/)
})

test('an extension that is not kept is found', () => {
  const scene = new Scene()
  scene.tells('C', 1, 100)
  scene.beliefs.extended('C', { id: 'm', lease: 1, until: 200 })
  scene.now = 150
  throws(() => scene.tells('D', 2, 300), /C believes/)
})

test('who was told later, who gave it up, and who is dead is in nobody’s way', () => {
  const scene = new Scene()
  scene.tells('C', 1, 100)
  scene.now = 100
  scene.tells('D', 2, 200)
  scene.beliefs.leaves('C', 'm')
  throws(() => scene.tells('E', 3, 300), /D believes/)
  scene.beliefs.leaves('D', 'm')
  scene.tells('E', 3, 300)
  scene.beliefs.forget('E')
  scene.tells('F', 4, 400)
})

test('an extension of a lease that somebody else has by now prolongs nothing', () => {
  const scene = new Scene()
  scene.tells('C', 1, 100)
  scene.now = 100
  scene.tells('D', 2, 200)
  scene.beliefs.extended('C', { id: 'm', lease: 1, until: 900 })
  scene.now = 200
  scene.tells('E', 3, 300)
})

test('an answer that comes when its lease is over gives nobody anything', () => {
  const scene = new Scene()
  scene.now = 150
  scene.tells('C', 2, 300)
  scene.tells('D', 1, 140)
})

test('two messages of one key that are believed to be in hand at one time are found', () => {
  const scene = new Scene()
  for (const id of ['m', 'n']) scene.keys.set(id, 'k')
  scene.tells('C', 1, 100)
  scene.now = 99
  throws(
    () => scene.beliefs.told('D', { id: 'n', lease: 1, until: 200 }),
    /n is delivered to D, and C believes to have m of its key until 100/,
  )
})

test('the next message of a key is nobody’s who has given up the one before', () => {
  const scene = new Scene()
  for (const id of ['m', 'n', 'o']) scene.keys.set(id, 'k')
  scene.tells('C', 1, 100)
  scene.beliefs.leaves('C', 'm')
  scene.beliefs.told('D', { id: 'n', lease: 1, until: 200 })
  scene.now = 200
  scene.beliefs.told('E', { id: 'o', lease: 1, until: 300 })
})
