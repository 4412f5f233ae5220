import type { Given, ValuesOf } from '#cli/flags/flag.ts'
import { duration, toggle, urls, withDefault } from '#cli/flags/kinds.ts'
import { LockClient } from './lock-client.ts'

const defaultUrls = [8001, 8002, 8003].map((port) => `http://127.0.0.1:${port}`)

/** From the environment, or those of `lockstep up`. */
function fallbackUrls(): Given {
  const { LOCKSTEP_LOCK_URL: text = '' } = process.env
  return text === '' ? { name: '--url', texts: defaultUrls } : { name: 'LOCKSTEP_LOCK_URL', texts: [text] }
}

/** What every command takes that talks to a cluster. */
export const serviceFlags = {
  url: urls(`nodes to ask, the next one when one does not answer; LOCKSTEP_LOCK_URL, or ${defaultUrls.join(',')}`, fallbackUrls),
  timeout: withDefault(duration('DURATION', 'how long to look for an answer; 5s', { min: 1, max: 600_000 }), 5_000),
  json: toggle('print JSON, for programs'),
} as const

export const clientOf = ({ url, timeout }: Pick<ValuesOf<typeof serviceFlags>, 'url' | 'timeout'>): LockClient =>
  new LockClient({ urls: url, timeoutMs: timeout })
