import { readFileSync } from 'node:fs'
import { accessLimits as limits } from '#api/access/limits.ts'
import { parseTokenFile } from '#api/access/token-file.ts'
import type { NodeOptions } from '#composition/node-options.ts'
import type { ValuesOf } from './flag.ts'
import { integer, text, withDefault } from './kinds.ts'

/** Who may use a node, and how much of it. */
export const accessFlags = {
  tokens: text(
    'FILE',
    "tokens that clients must show, as 'lockstep token create' writes them; read again when it changes. Without it all may do all",
  ),
  'rate-limit': integer('N', 'requests of each client in a second, twice as many after a rest; as many as they like by default', {
    min: 1,
    max: 1_000_000,
  }),
  'connections-per-address': withDefault(
    integer('N', `open connections of one address; ${limits.connectionsPerAddress} by default`, { min: 1, max: 1_000_000 }),
    limits.connectionsPerAddress,
  ),
} as const

type Values = ValuesOf<typeof accessFlags> & { readonly service: NodeOptions['service'] }

/** A node is not started with a file that lets nobody in. */
export function accessOptionsOf(values: Values, mistakes: string[]): NodeOptions['access'] {
  const { tokens = null, 'rate-limit': ratePerSecond = null, 'connections-per-address': connectionsPerAddress, service } = values
  if (service === 'register' && (tokens !== null || ratePerSecond !== null))
    mistakes.push('--tokens and --rate-limit are not for registers')
  if (tokens !== null) mistakes.push(...mistakesIn(tokens))
  return { tokens, ratePerSecond, connectionsPerAddress }
}

/** What is wrong with a file of tokens. */
export function mistakesIn(path: string): readonly string[] {
  try {
    const read = parseTokenFile(readFileSync(path, 'utf8'))
    return read.ok ? [] : read.error.map((mistake) => `the file of --tokens: ${mistake}`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    return [`the file of --tokens cannot be read: ${String(error.code)}`]
  }
}
