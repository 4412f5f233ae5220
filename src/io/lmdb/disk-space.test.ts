import { deepEqual, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { bytesOf, chunkOf, compactTo, entriesOf, metaAt, OpenStore } from '#test/conformance/log-store-kit.ts'
import { LmdbLogStore } from './lmdb-log-store.ts'

const perRound = 200
const bodyBytes = 4_000

/** Without the journal, which has one size for life. */
const sizeOf = (folder: string): number => statSync(join(folder, 'data.mdb')).size

/** So many rounds of entries, each dead one round later, but for those of them that stay; how large the file is after each. */
async function churn(folder: string, rounds: number, stays: (index: number) => boolean): Promise<number[]> {
  const open = new OpenStore(new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }))
  await open.loaded()
  const sizes: number[] = []
  let dying: number[] = []
  for (let round = 0; round < rounds; round++) {
    const [first, last] = [round * perRound + 1, (round + 1) * perRound]
    const entries = entriesOf(first, last, { length: bodyBytes })
    await open.commit({ group: 1, entries })
    const meta = metaAt(last, 10)
    const live = entries.map(({ index }) => index)
    const compact = compactTo(meta, { dropUpTo: last, live, ...(round === 0 ? {} : { dead: dying }) })
    await open.commit({ group: 1, snapshotChunk: chunkOf(meta, 0, bytesOf(10, round)), compact })
    dying = live.filter((index) => !stays(index))
    sizes.push(sizeOf(folder))
  }
  deepEqual(await open.entry(1, 1), entriesOf(1, 1, { length: bodyBytes })[0], 'the oldest is there')
  await open.close()
  return sizes
}

test('one old entry that lives does not hold the disk: the file stops growing while ever more goes through', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-space-'))
  try {
    const rounds = 30
    const sizes = await churn(folder, rounds, (index) => index === 1)
    const through = rounds * perRound * bodyBytes
    const [early, late] = [Math.max(...sizes.slice(0, rounds / 3)), Math.max(...sizes)]
    ok(late < through / 3, `${late} bytes for ${through}`)
    ok(late < early * 1.2, `${early} bytes after a third, ${late} in the end`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
