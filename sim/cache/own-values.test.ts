import { doesNotThrow, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from './claims.ts'
import { KeyLog } from './key-log.ts'
import { OwnValues } from './own-values.ts'

const claim: Claim = { id: 1, client: 'x', key: 'k', input: { type: 'read' }, at: 0, floor: 0 }
const at = (agent: string, lost = 0): { agent: string; lostBefore: number; lost: number } => ({ agent, lostBefore: lost, lost })
const before = { version: '3.1.0', value: 1 }

/** Memory has 3.1.0; then x is told its own 3.1.2 at a. */
function scene(dropped = false): { own: OwnValues; add: (version: string, value: number | null) => void } {
  const log = new KeyLog('k')
  const own = new OwnValues(() => ({ of: () => log, mayHaveDropped: () => dropped }))
  const add = (version: string, value: number | null): void => {
    log.add({ version, value, cause: value === null ? 'write' : 'owner', since: 0, endsAt: null })
  }
  add('3.1.0', 1)
  own.told(claim, '3.1.2', at('a'))
  return { own, add }
}

test('who was told of its own value and then of an older one at the same agent, which has lost nothing, is found', () => {
  const { own, add } = scene()
  throws(
    () => own.read(claim, before, at('a')),
    /x reads version 3.1.0 of k after its own 3.1.2, which is older than what was told before$/,
  )
  throws(() => own.read(claim, { version: '0.0.0', value: null }, at('a')), /version 0.0.0 of k/)
  throws(() => own.read(claim, { version: '3.1.1', value: 2 }, at('a')), /3.1.1/)
  add('3.1.3', 3)
  throws(() => own.read(claim, before, at('a')), /3.1.0/)
  equal(own.totals.ownJudged, 4)
})

test('what is as new is right, and so is what is absent since', () => {
  const { own, add } = scene()
  for (const version of ['3.1.2', '3.1.10', '3.10.0', '4.1.0']) doesNotThrow(() => own.read(claim, { version, value: 5 }, at('a')))
  add('3.1.3', 3)
  throws(() => own.read(claim, { version: '0.0.0', value: null }, at('a')))
  add('3.2.0', null)
  doesNotThrow(() => own.read(claim, { version: '0.0.0', value: null }, at('a')))
})

test('elsewhere, by another, or where something was lost or not taken, nothing is claimed', () => {
  const { own } = scene()
  doesNotThrow(() => own.read(claim, before, at('b')))
  doesNotThrow(() => own.read({ ...claim, client: 'y' }, before, at('a')))
  doesNotThrow(() => own.read({ ...claim, key: 'l' }, before, at('a')))
  doesNotThrow(() => own.read(claim, before, at('a', 1)))
  equal(own.totals.ownJudged, 0)
  doesNotThrow(() => scene(true).own.read(claim, before, at('a')))
})
