import { doesNotThrow, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { clientId, sessionId } from '#core/lock/types.ts'
import { Beliefs } from '#sim/lock/beliefs.ts'
import type { GrantRecord } from '#sim/lock/ledger.ts'
import type { HandedOut } from './held-locks.ts'
import { HeldLocks } from './held-locks.ts'

const session = sessionId('s')

/** A process that was granted one lock, by token 1. */
class Scene {
  readonly ending = new AbortController()
  readonly grants = new Map<number, GrantRecord>([
    [1, { resource: 'r', client: 'p/1', session, mode: 'exclusive', from: 0, until: null, end: null }],
  ])
  readonly #log = { grant: (token: number) => this.grants.get(token), session: () => undefined }
  readonly beliefs = new Beliefs(this.#log, () => 100)
  readonly held = new HeldLocks('p', { beliefs: this.beliefs, ledger: this.#log })

  handedOut(isHeld: () => boolean = () => true): HandedOut {
    return { name: 'r', mode: 'exclusive', fencingToken: 1, signal: this.ending.signal, isHeld }
  }

  ends(): void {
    this.grants.set(1, { resource: 'r', client: 'p/1', session, mode: 'exclusive', from: 0, until: 100, end: 'session-expired' })
    this.beliefs.holdEnded({ client: clientId('p/1'), session }, 'r', 'session-expired')
  }
}

const trusted = /p\/1 may trust r until/

test('a lock that ends at the service before its signal has aborted is found', () => {
  const scene = new Scene()
  scene.held.told(scene.handedOut())
  throws(() => scene.ends(), trusted)
})

test('nothing is believed of a lock whose signal has aborted, or that was given back', () => {
  const aborted = new Scene()
  aborted.held.told(aborted.handedOut())
  aborted.ending.abort()
  doesNotThrow(() => aborted.ends())
  const givenBack = new Scene()
  givenBack.held.told(givenBack.handedOut())()
  doesNotThrow(() => givenBack.ends())
})

test('a lock that was taken twice is believed in until it was given back twice', () => {
  const scene = new Scene()
  const [once, twice] = [scene.held.told(scene.handedOut()), scene.held.told(scene.handedOut())]
  once()
  throws(() => scene.ends(), trusted)
  twice()
  doesNotThrow(() => scene.ends())
})

test('a process that stands still believes nothing; what it says first when it goes on, or not by its signals then, is found', () => {
  const scene = new Scene()
  scene.held.told(scene.handedOut())
  scene.held.pause()
  scene.ends()
  throws(() => scene.held.lookAtAll(), trusted)
  scene.held.pause()
  throws(() => scene.held.resume(), trusted)
  scene.ending.abort()
  doesNotThrow(() => scene.held.resume())
})

test('a lock of which the log says nothing, or that it has granted to another process, is found', () => {
  const scene = new Scene()
  throws(() => scene.held.told({ ...scene.handedOut(), fencingToken: 2 }), /which the log does not say/)
  scene.grants.set(1, { resource: 'r', client: 'other/1', session, mode: 'exclusive', from: 0, until: null, end: null })
  throws(() => scene.held.told(scene.handedOut()), /which the log does not say/)
})
