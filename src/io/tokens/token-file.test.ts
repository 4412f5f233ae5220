import { deepEqual, equal, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseTokenFile } from '#api/access/token-file.ts'
import { systemClock } from '#io/system-clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { TokenFile } from './token-file.ts'

const entry = (name: string, secret: string, role = 'lock'): object => ({
  name,
  sha256: createHash('sha256').update(secret).digest('hex'),
  roles: [role],
})

/** A file of tokens that is looked at all the time, with what is said about it in the log. */
class Watched implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  readonly said: string[] = []
  #heard: () => void = () => {}
  readonly file: TokenFile
  readonly #path = join(this.#folder, 'tokens.json')

  constructor(...tokens: readonly object[]) {
    if (tokens.length > 0) this.write({ tokens })
    const log: Telemetry['log'] = (_level, event, { tokens: count = null, reason = '' }) => {
      this.said.push(`${event} ${count} ${String(reason).split(':')[0]}`.trim())
      this.#heard()
    }
    const telemetry = { ...silentTelemetry, log }
    this.file = new TokenFile({ path: this.#path, parse: parseTokenFile, everyMs: 1, bytesMax: 10_000, clock: systemClock, telemetry })
    this.file.start()
  }

  write(content: unknown): void {
    writeFileSync(`${this.#path}.new`, typeof content === 'string' ? content : JSON.stringify(content))
    renameSync(`${this.#path}.new`, this.#path)
  }

  remove(): void {
    rmSync(this.#path)
  }

  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve
    })
  }

  [Symbol.dispose](): void {
    this.file.stop()
    rmSync(this.#folder, { recursive: true })
  }
}

test('a token is found by its secret alone, and nothing that is nearly right', () => {
  using watched = new Watched(entry('a', 'secret-a'), entry('b', 'secret-b'))
  equal(watched.file.find('secret-a')?.name, 'a')
  equal(watched.file.find('secret-b')?.name, 'b')
  for (const wrong of ['', 'a', 'secret-A', 'secret-', 'secret-ab', createHash('sha256').update('secret-a').digest('hex')]) {
    equal(watched.file.find(wrong), null, wrong)
  }
})

test('a file that has changed counts, and what did not change in it is the same token as before', { timeout: 10_000 }, async () => {
  using watched = new Watched(entry('a', 'secret-a'), entry('b', 'secret-b'), entry('c', 'secret-c'))
  const { file } = watched
  const [a, b, c] = ['secret-a', 'secret-b', 'secret-c'].map((secret) => file.find(secret))
  watched.write({ tokens: [entry('a', 'secret-a'), entry('b', 'secret-b', 'produce'), entry('d', 'secret-d')] })
  await watched.heard()
  equal(file.find('secret-a'), a)
  ok(a && file.has(a))
  ok(b && !file.has(b), 'it may do something else now')
  deepEqual(file.find('secret-b')?.roles, ['produce'])
  ok(c && !file.has(c))
  equal(file.find('secret-c'), null)
  equal(file.find('secret-d')?.name, 'd')
})

test('a file with a mistake, or none, changes nothing, and is told once', { timeout: 10_000 }, async () => {
  using watched = new Watched(entry('a', 'secret-a'))
  const { file, said } = watched
  for (const break_ of [() => watched.write('{'), () => watched.write(' '.repeat(10_001)), () => watched.remove()]) {
    break_()
    await watched.heard()
    equal(file.find('secret-a')?.name, 'a')
  }
  watched.write({ tokens: [entry('b', 'secret-b')] })
  await watched.heard()
  equal(file.find('secret-a'), null)
  deepEqual(said, [
    'tokens-read 1',
    'tokens-not-read 1 must be an object of JSON with a list of tokens',
    'tokens-not-read 1 it has more than 10000 bytes',
    'tokens-not-read 1 ENOENT',
    'tokens-read 1',
  ])
})

test('who starts without a file lets nobody in until there is one', { timeout: 10_000 }, async () => {
  using watched = new Watched()
  equal(watched.file.find('secret-a'), null)
  watched.write({ tokens: [entry('a', 'secret-a')] })
  await watched.heard()
  equal(watched.file.find('secret-a')?.name, 'a')
})
