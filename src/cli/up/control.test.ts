import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Control } from './control.ts'

test('a node is killed for who has the token, and for the page of no stranger', async (t) => {
  const killed: string[] = []
  const control = await Control.open({ consoles: ['127.0.0.1:8001'], kill: (id) => id === 'lock-node-1' && killed.push(id) > 0 })
  t.after(() => control.close())
  const { url, token } = control.place
  const ask = async (path: string, headers: Readonly<Record<string, string>>, method = 'POST'): Promise<number> =>
    (await fetch(`${url}${path}`, { method, headers })).status
  const authorization = `Bearer ${token}`
  equal(await ask('/kill/lock-node-1', {}), 401)
  equal(await ask('/kill/lock-node-1', { authorization: 'Bearer ' }), 401)
  equal(await ask('/kill/lock-node-1', { authorization, origin: 'http://evil.example' }), 403)
  equal(await ask('/kill/lock-node-9', { authorization }), 404)
  equal(await ask('/kill/lock-node-1', { authorization }, 'GET'), 404)
  equal(await ask('/', { authorization }), 404)
  deepEqual(killed, [])
  equal(await ask('/kill/lock-node-1', { origin: 'http://127.0.0.1:8001' }, 'OPTIONS'), 204)
  equal(await ask('/kill/lock-node-1', { authorization, origin: 'http://127.0.0.1:8001' }), 204)
  equal(await ask('/kill/lock-node-1', { authorization, origin: 'https://127.0.0.1:8001' }), 204, 'its nodes may have certificates')
  deepEqual(killed, ['lock-node-1', 'lock-node-1'])
})
