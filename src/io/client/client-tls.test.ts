import { equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { Authority, noOpenssl, pemOf } from '#test/harness/certificates.ts'
import { clientConnect } from './client-tls.ts'

const problemOf = (options: Parameters<typeof clientConnect>[0]): string => {
  const connecting = clientConnect(options)
  return connecting.ok ? '' : connecting.error
}

test('what a client is told of certificates is looked at before it connects', { skip: noOpenssl }, () => {
  using ca = new Authority()
  const { cert, key } = pemOf(ca.issue('client'))
  equal(problemOf({}), '')
  equal(problemOf({ ca: ca.pem, cert, key: new Uint8Array(key) }), '')
  equal(problemOf({ ca: ca.pem.toString() }), '')
  match(problemOf({ cert }), /^with `cert` and `key`/)
  match(problemOf({ cert, key: 'nonsense' }), /^certificates and a key in PEM/)
  match(problemOf({ cert, key: pemOf(ca.issue('other')).key }), /^certificates and a key in PEM/)
})

test('TLS that was asked for is never left out: URLs without it are a mistake then, and so is a mix', async () => {
  const problem = async (...options: Parameters<typeof connect>): Promise<string> => {
    try {
      await using _ = await connect(...options)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  equal(await problem({ lock: 'http://127.0.0.1:1', tls: {} }), 'tls must be given with https URLs only')
  equal(await problem({ lock: '127.0.0.1:1', tls: {} }), 'tls must be given with https URLs only')
  match(await problem({ lock: ['https://127.0.0.1:1', 'http://127.0.0.1:2'] }), /^lock must be https URLs or others, and not both/)
  match(await problem({ lock: 'https://127.0.0.1:1', tls: { cert: 'x' } }), /^tls must be with `cert` and `key`/)
})
