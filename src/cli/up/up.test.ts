import { deepEqual, equal, throws } from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareFolder } from './folder.ts'
import { readLogLine } from './node-log.ts'
import { Restarts, needsAPerson } from './restarts.ts'

test('a log line is read as its event and its fields', () => {
  const line = '{"level":40,"time":"t","node":"a","peer":"b","n":1,"list":[1],"msg":"peer-down"}'
  deepEqual(readLogLine(line), { level: 40, text: 'peer-down peer=b n=1 list=[1]' })
  deepEqual(readLogLine('lockstep: the store is damaged'), { level: 40, text: 'lockstep: the store is damaged' })
  deepEqual(readLogLine('{no json'), { level: 40, text: '{no json' })
})

test('a node that keeps dying is started again later each time, and one that ran for a while at once', () => {
  const restarts = new Restarts()
  deepEqual(
    Array.from({ length: 6 }, () => restarts.delayMs(100)),
    [2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  )
  equal(restarts.delayMs(60_000), 2_000)
})

test('what a restart cannot mend is left to a person', () => {
  deepEqual([0, 1, 2, 3, 4, 5, 70, null].filter(needsAPerson), [2, 3, 5])
})

test('stores that were made under other addresses are refused, unless they begin anew', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-up-'))
  const at = (address: string) => [{ id: 'a', address, data: join(folder, 'a') }]
  try {
    prepareFolder(folder, at('h:1'), { fresh: false })
    prepareFolder(folder, at('h:1'), { fresh: false })
    mkdirSync(join(folder, 'a'))
    throws(() => prepareFolder(folder, at('h:2'), { fresh: false }), /are those of h:1: use the same --port-offset/)
    equal(existsSync(join(folder, 'a')), true)
    prepareFolder(folder, at('h:2'), { fresh: true })
    equal(existsSync(join(folder, 'a')), false)
    prepareFolder(folder, at('h:2'), { fresh: false })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
