import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { regressions } from '#sim/regressions/seeds.ts'
import { Summary } from '#sim/report.ts'
import { runSeed } from '#sim/run.ts'
import type { ServiceName } from '#sim/services.ts'

/** A fixed set, in parts that end in time on a busy machine too: fresh seeds are for `npm run sim` and for every submission. */
const fixedSeeds = { from: 1_000, parts: 5, perPart: 6 }

const turnoverSeeds = { from: 500, count: 4 }

/** Declares the tests that simulate a service, in a file of its own for each, as they take their time. */
export function simulationSuite(service: ServiceName): void {
  const summary = new Summary(service)

  for (let part = 0; part < fixedSeeds.parts; part++) {
    const first = fixedSeeds.from + part * fixedSeeds.perPart
    const last = first + fixedSeeds.perPart - 1
    test(`simulated clusters keep every promise (${service}, seeds ${first} to ${last})`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const report = await runSeed({ service, seed, minutes: 5, trace: null })
        summary.add(report)
        assert.equal(report.violation, null, `npm run sim -- --service ${service} --seed ${seed} --trace`)
      }
    })
  }

  test(`most of these runs count, and every kind of fault and of action was among them (${service})`, () => {
    process.stdout.write(`${summary.text}\n`)
    assert.equal(summary.runs, fixedSeeds.parts * fixedSeeds.perPart)
    assert.deepEqual(summary.missing, [])
    assert.ok(summary.counted >= summary.runs * 0.8, `${summary.counted} runs had enough happen in them to count`)
  })

  turnoverSuite(service)
  regressionSuite(service)
}

/** For a service whose seeds take too long for every time: those few. */
export function shortSimulationSuite(service: ServiceName, seeds: readonly number[]): void {
  for (const seed of seeds) {
    test(`simulated clusters keep every promise (${service}, seed ${seed})`, async () => {
      const { violation, counts } = await runSeed({ service, seed, minutes: 5, trace: null })
      assert.equal(violation, null, `npm run sim -- --service ${service} --seed ${seed} --trace`)
      assert.equal(counts, true, 'enough happened for the run to prove something')
    })
  }
}

function turnoverSuite(service: ServiceName): void {
  test(`three nodes become five and three again, until founders are gone, and every promise is kept (${service})`, async () => {
    let counted = 0
    for (let seed = turnoverSeeds.from; seed < turnoverSeeds.from + turnoverSeeds.count; seed++) {
      const { violation, counts } = await runSeed({ service, seed, minutes: 5, turnover: true, trace: null })
      assert.equal(violation, null, `npm run sim -- --service ${service} --turnover --seed ${seed} --trace`)
      if (counts) counted++
    }
    assert.ok(counted > turnoverSeeds.count / 2, `in ${counted} runs enough happened, and a founder left`)
  })
}

function regressionSuite(service: ServiceName): void {
  for (const { seed, turnover = false, why } of regressions[service]) {
    test(`seed ${seed} passes (${service}), which once failed because ${why}`, async () => {
      assert.equal((await runSeed({ service, seed, minutes: 5, turnover, trace: null })).violation, null)
    })
  }

  test(`one seed is one run (${service}): two processes print the same trace byte for byte, and the next seed prints another`, async () => {
    const [first, again, next] = await Promise.all([traceOf(service, 77), traceOf(service, 77), traceOf(service, 78)])
    assert.ok(first.lines >= 10_000, `${first.lines} lines`)
    assert.deepEqual(again, first)
    assert.notEqual(next.hash, first.hash)
  })
}

async function traceOf(service: ServiceName, seed: number): Promise<{ readonly lines: number; readonly hash: string }> {
  const main = join(import.meta.dirname, '..', '..', 'sim', 'main.ts')
  const child = spawn(process.execPath, [main, '--service', service, '--seed', String(seed), '--minutes', '2', '--trace'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const hash = createHash('sha256')
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    // The summary at the end tells how long the run took, which is not part of it.
    if (!/^ *\d+\.\d{3} /.test(line)) continue
    lines++
    hash.update(`${line}\n`)
  }
  return { lines, hash: hash.digest('hex') }
}
