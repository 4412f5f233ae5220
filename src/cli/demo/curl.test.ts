import { equal } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { curlFlagsOf, curlOf } from './curl.ts'

const request = (fields: object) => ({ method: 'GET', path: '/', body: null, statuses: [200], ...fields })

test('a call of nodes that ask for a token over TLS is shown with what they want, and without the token itself', () => {
  const flags = curlFlagsOf(true, { ca: 'the ca.pem', cert: 'c.pem', 'cert-key': 'c.key' })
  equal(
    curlOf('https://h:1', request({ path: '/locks' }), flags),
    `curl --cacert 'the ca.pem' --cert 'c.pem' --key 'c.key' -H "authorization: Bearer $LOCKSTEP_TOKEN" https://h:1/locks`,
  )
  equal(curlFlagsOf(false, {}), '')
})

test('a call is shown as what anybody may type', () => {
  equal(curlOf('http://h:1', request({ path: '/locks/a%2Fb' })), 'curl http://h:1/locks/a%2Fb')
  equal(curlOf('http://h:1', request({ path: '/locks?prefix=a&limit=1' })), "curl 'http://h:1/locks?prefix=a&limit=1'")
  equal(curlOf('http://h:1', request({ method: 'DELETE', path: '/delete/k' })), 'curl -X DELETE http://h:1/delete/k')
  equal(
    curlOf('http://h:1', request({ method: 'POST', path: '/ack', body: '{"a":1}' })),
    `curl http://h:1/ack -H 'content-type: application/json' -d '{"a":1}'`,
  )
  equal(
    curlOf('http://h:1', request({ method: 'PUT', path: '/queues/q', body: '{}' })),
    `curl -X PUT http://h:1/queues/q -H 'content-type: application/json' -d '{}'`,
  )
})

test('a shell passes on what was quoted, quotes among it', { skip: process.platform === 'win32' }, () => {
  const body = `{"name":"O'Neill $HOME \`x\`"}`
  const line = curlOf('http://h:1', request({ method: 'POST', path: '/write/k', body }))
  const said = execFileSync('sh', ['-c', line.replace(/^curl/, 'printf "%s\\n"')], { encoding: 'utf8' })
  equal(said.trimEnd().split('\n').at(-1), body)
})
