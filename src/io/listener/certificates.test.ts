import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Authority, noOpenssl, pemOf } from '#test/harness/certificates.ts'
import { loadCertificates } from './certificate-files.ts'
import { certificatesOf, lifeWarnings } from './certificates.ts'

const problemOf = (read: ReturnType<typeof certificatesOf>): string => (read.ok ? '' : read.error)

test('what is wrong with the files is told by the flag of the file, before a node starts', { skip: noOpenssl }, () => {
  using ca = new Authority()
  const [one, other] = [ca.issueNode('one'), ca.issueNode('other')]
  const good = { ...pemOf(one), ca: ca.pem }
  equal(problemOf(certificatesOf(good)), '')
  equal(problemOf(certificatesOf({ ...good, ca: null })), '')
  const nonsense = Buffer.from('nonsense')
  const broken = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  match(problemOf(certificatesOf({ ...good, cert: nonsense })), /^--tls-cert has no certificate/)
  match(problemOf(certificatesOf({ ...good, cert: broken })), /^--tls-cert has no certificate in PEM that can be read: /)
  match(problemOf(certificatesOf({ ...good, key: nonsense })), /^--tls-key has no private key/)
  match(problemOf(certificatesOf({ ...good, key: pemOf(other).key })), /^--tls-key is not the key of the certificate/)
  for (const wrong of [nonsense, broken, Buffer.alloc(0)])
    match(problemOf(certificatesOf({ ...good, ca: wrong })), /^--tls-ca has no certificate/)
  match(problemOf(loadCertificates({ ...one, ca: '/nowhere/ca.pem', clientAuth: 'none' })), /cannot be read: ENOENT.*\/nowhere\/ca\.pem/)
})

test('a chain is read to its end, and the certificate of the node is the first of it', { skip: noOpenssl }, () => {
  using ca = new Authority()
  const node = ca.issueNode()
  const chain = join(ca.folder, 'chain.pem')
  writeFileSync(chain, Buffer.concat([readFileSync(node.cert), ca.pem]))
  const read = loadCertificates({ cert: chain, key: node.key, ca: ca.cert, clientAuth: 'none' })
  deepEqual(read.ok && read.value.lives.map(({ what }) => what), [
    'the certificate of CN=node',
    'the certificate of CN=the CA',
    'the CA CN=the CA',
  ])
})

test('who is expired, or soon will be, is warned of', () => {
  const day = 86_400_000
  const life = (from: number, to: number) => ({ lives: [{ what: 'it', from: from * day, to: to * day }] })
  const warned = (from: number, to: number, now: number): string => lifeWarnings(life(from, to), now * day).join()
  equal(warned(0, 365, 300), '')
  equal(warned(0, 365, 351), '')
  match(warned(0, 365, 351.5), /^it expires at 1971-01-01/)
  match(warned(0, 365, 366), /^it expired at 1971-01-01/)
  match(warned(10, 365, 9), /^it is not valid before 1970-01-11/)
  // One that is made for a day is not about to end all its life.
  equal(warned(0, 1, 0.8), '')
  match(warned(0, 1, 0.95), /^it expires/)
})
