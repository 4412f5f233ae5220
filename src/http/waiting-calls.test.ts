import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { err, ok as fine } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { callEndOf } from '#api/call.ts'
import { stopping } from '#api/common/faults.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import { Served } from './testkit.ts'
import { Prng } from '#base/prng.ts'
import { overloadLimits } from '#core/overload/limits.ts'
import { systemClock } from '#io/system-clock.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { Admission } from '#services/common/admission.ts'

const body = JSON.stringify({ resource_id: 'r', client_id: 'c', wait_ms: 60_000 })
const bytes = `POST /acquire HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

/** A call that waits until it is aborted, or told to go on. */
class Wait {
  readonly begun: Promise<Call>
  readonly aborted: Promise<string | null>
  #begin: (call: Call) => void = () => {}
  #abort: (reason: string | null) => void = () => {}

  constructor() {
    this.begun = new Promise((resolve) => (this.#begin = resolve))
    this.aborted = new Promise((resolve) => (this.#abort = resolve))
  }

  readonly acquire: LockApi['acquire'] = (_request, call) => {
    const { signal } = call
    const ended = new Promise<ReturnType<typeof err<ReturnType<typeof stopping>>>>((resolve) => {
      signal.addEventListener('abort', () => {
        this.#abort(callEndOf(call))
        resolve(err(stopping()))
      })
    })
    this.#begin(call)
    return ended
  }
}

async function connected(address: string): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

test('a client that vanishes while it waits aborts its call', async () => {
  const wait = new Wait()
  await using served = new Served({ acquire: wait.acquire })
  const socket = await connected(await served.listen())
  socket.write(bytes)
  const call = await wait.begun
  equal(callEndOf(call), null)
  socket.destroy()
  equal(await wait.aborted, 'client-gone')
  deepEqual(served.failures, [])
})

test('a client that only says that it will send no more is gone too', async () => {
  const wait = new Wait()
  await using served = new Served({ acquire: wait.acquire })
  const socket = await connected(await served.listen())
  socket.end(bytes)
  equal(await wait.aborted, 'client-gone')
  socket.destroy()
})

test('a node that stops ends the waits, and their clients are told', async () => {
  const wait = new Wait()
  await using served = new Served({ acquire: wait.acquire })
  const socket = await connected(await served.listen())
  socket.write(bytes)
  const call = await wait.begun
  const drained = served.http.drain(10_000)
  equal(await wait.aborted, 'stopping')
  equal(callEndOf(call), 'stopping')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  ok(answer.toString().startsWith('HTTP/1.1 503 '))
  ok(answer.toString().includes('"code":"stopping"'))
  await drained
  socket.destroy()
})

test('a call that is looked at too late is aborted at once', async () => {
  let seen: string | null = 'nothing'
  const { promise: looked, resolve: look } = Promise.withResolvers<undefined>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>()
  const { promise: gone, resolve: leave } = Promise.withResolvers<undefined>()
  await using served = new Served({
    acquire: async (_request, call) => {
      begin(undefined)
      await gone
      seen = callEndOf(call)
      look(undefined)
      return err(stopping())
    },
  })
  served.http.fastify.addHook('onRequest', async (_request, { raw }) => void raw.once('close', () => leave(undefined)))
  const socket = await connected(await served.listen())
  socket.write(bytes)
  await begun
  socket.destroy()
  await looked
  equal(seen, 'client-gone')
})

test('a call that was answered is not aborted afterwards', async () => {
  const calls: Call[] = []
  await using served = new Served({
    acquire: async ({ resource_id, client_id }, call) => {
      calls.push(call)
      equal(call.signal.aborted, false)
      return fine({ status: 'granted', resource_id, client_id, lock_type: 'shared', fencing_token: 1, ttl_ms: 1, expires_at: null })
    },
  })
  const socket = await connected(await served.listen())
  socket.write(bytes)
  await once(socket, 'data')
  socket.destroy()
  await once(socket, 'close')
  await served.http.drain(10_000)
  deepEqual(
    calls.map((call) => callEndOf(call)),
    [null],
  )
})

test('while new work is refused, whatever keeps or gives back goes on, and so does what a node says of itself', async () => {
  const { commands } = overloadLimits
  const late = {
    ...overloadLimits,
    turns: { ...commands, openFree: 0, openFreeMin: 0, targetMs: -1, ofWait: 1, riseMax: 0.999, shareMax: 0.999 },
  }
  const admission = new Admission({ clock: systemClock, prng: new Prng(1), telemetry: silentTelemetry }, late)
  admission.start()
  await using served = new Served({}, { admission })
  const address = await served.listen()
  const post = (path: string, content: object): Promise<Response> =>
    fetch(`${address}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) })
  const lock = { resource_id: 'r', client_id: 'c' }
  const acquire = async (): Promise<number> => (await post('/acquire', lock)).status
  while ((await acquire()) !== 429);
  for (const path of ['/healthz', '/metrics', '/cluster']) equal((await fetch(`${address}${path}`)).status, 200)
  for (const path of ['/release', '/extend']) equal((await post(path, lock)).status, 200)
  equal((await post('/sessions/s/keepalive', {})).status, 200)
  const refused = await post('/acquire', lock)
  deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1'])
  equal(((await refused.json()) as { error: { code: string } }).error.code, 'overloaded')
  admission.stop()
})

test('more requests at once than may be are told to come back', async () => {
  const wait = new Wait()
  await using served = new Served({ acquire: wait.acquire }, { limits: { openRequestsMax: 1 } })
  const address = await served.listen()
  const socket = await connected(address)
  socket.write(bytes)
  await wait.begun
  equal((await fetch(`${address}/healthz`)).status, 200, 'a busy node is not dead')
  const response = await fetch(`${address}/locks`)
  deepEqual([response.status, response.headers.get('retry-after')], [429, '1'])
  equal(((await response.json()) as { error: { code: string } }).error.code, 'overloaded')
  socket.destroy()
  equal(await wait.aborted, 'client-gone')
})
