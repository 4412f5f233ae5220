import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { logOutputLimits } from './log-output.ts'

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** A process that logs one line, and then, once it is told to, does what `then` says with `output`. */
function logging(t: TestContext, then: string): Child {
  const program = `
    import { LogOutput } from '#io/log-output.ts'
    const output = new LogOutput(1, (lines) => output.write('dropped ' + lines + '\\n'))
    output.write('begun\\n')
    process.stdin.once('data', () => { ${then} })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['pipe', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function ended(child: Child): Promise<number | null> {
  const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })) as [number | null]
  return code
}

test('a process whose log nobody reads any more ends, whatever it says at the end', async (t) => {
  const child = logging(t, `output.write('a\\n'); output.write('b\\n'); process.exit(3)`)
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.stdin.write('go')
  assert.equal(await ended(child), 3)
})

test('and it goes on without a log until then', async (t) => {
  const child = logging(
    t,
    `output.write('a\\n'); setTimeout(() => { output.write('b\\n'); output.write('c\\n'); process.exitCode = 4; process.stdin.destroy() }, 100)`,
  )
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.stdin.write('go')
  assert.equal(await ended(child), 4)
})

test('whatever was logged when a process ends is there, in order, also for a reader that is slow', async (t) => {
  const lines = 20_000
  const child = logging(
    t,
    `const say = (from, to) => { for (let at = from; at < to; at++) output.write(at + ' ' + 'é'.repeat(40) + '\\n') }
    say(0, ${lines - 100})
    setTimeout(() => { say(${lines - 100}, ${lines}); console.error('ends'); process.exit(0) }, 100)`,
  )
  await once(child.stdout, 'readable')
  child.stdin.write('go')
  await once(child.stderr, 'data')
  const [, ...told] = (await text(child.stdout)).trimEnd().split('\n')
  assert.deepEqual(
    told,
    Array.from({ length: lines }, (_, at) => `${at} ${'é'.repeat(40)}`),
  )
})

test('what a reader does not take for long is dropped, and counted when it takes lines again', async (t) => {
  const size = 1_048_576
  const count = logOutputLimits.waitingBytesMax / size + 5
  const child = logging(
    t,
    `for (let at = 0; at < ${count}; at++) output.write(at + ' ' + 'x'.repeat(${size}) + '\\n'); process.stdin.destroy()`,
  )
  await once(child.stdout, 'data')
  child.stdin.write('go')
  const told = (await text(child.stdout)).trimEnd().split('\n')
  const dropped = Number(told.find((line) => line.startsWith('dropped '))?.slice('dropped '.length))
  assert.ok(dropped > 0)
  assert.equal(told.filter((line) => line.includes('x')).length + dropped, count)
})
