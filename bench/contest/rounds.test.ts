import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { inRounds } from './rounds.ts'
import type { Row } from './row.ts'

const row = (name: string): Row => ({ name, role: 'peer', kind: 'any', addresses: [], pids: [] })
const [ours, theirs, other] = [row('ours'), row('theirs'), row('other')]

test('a row that fails is left out from then on, and the others are measured to the end', async () => {
  const asked: string[] = []
  const { runs, failed } = await inRounds([ours, theirs, other], 3, {
    throwIfOver: () => {},
    measure: async ({ name }, round) => {
      asked.push(`${name} ${round}`)
      if (name === 'theirs' && round === 2) throw new Error('a message did not come')
      if (name === 'other') throw new Error('not there')
      return round
    },
  })
  deepEqual(asked, ['ours 1', 'theirs 1', 'other 1', 'ours 2', 'theirs 2', 'ours 3'])
  deepEqual(
    [...runs],
    [
      [ours, [1, 2, 3]],
      [theirs, [1]],
    ],
  )
  deepEqual(
    [...failed],
    [
      [other, 'not there'],
      [theirs, 'a message did not come'],
    ],
  )
})

test('who interrupts it ends all of it', async () => {
  let over = false
  const measuring = inRounds([ours, theirs], 3, {
    throwIfOver: () => {
      if (over) throw new Error('stopped')
    },
    measure: async () => {
      over = true
      throw new Error('stopped')
    },
  })
  await rejects(measuring, /stopped/)
})
