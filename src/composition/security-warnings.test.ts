import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { securityWarnings } from './security-warnings.ts'

const here = { host: '127.0.0.1', port: 1 }
const everywhere = { host: '0.0.0.0', port: 1 }

test('a secret that everybody knows, or can guess, is warned of, and never repeated', () => {
  match(securityWarnings({ listen: here, secret: 'lockstep-development-secret' }).join(), /for development/)
  const [short = ''] = securityWarnings({ listen: everywhere, secret: 'geheim-geheim-1' })
  match(short, /fewer than 16 characters/)
  ok(!short.includes('geheim'))
  deepEqual(securityWarnings({ listen: everywhere, secret: 'geheim-geheim-12' }), [])
})

test('a port that others reach without a secret is warned of', () => {
  match(securityWarnings({ listen: everywhere, secret: null }).join(), /listens on 0\.0\.0\.0 without a cluster secret/)
  equal(securityWarnings({ listen: here, secret: null }).length, 0)
})
