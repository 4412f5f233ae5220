import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { runOverload } from '#scripts/soak/overload.ts'

test('twice the load that three lock nodes carry is shed early: no lock is lost, no leader changes, and all is as before in ten seconds', async (t) => {
  const { wrong } = await runOverload({ seconds: 20, services: ['lock'], say: (line) => t.diagnostic(line) })
  deepEqual(wrong, [])
})
