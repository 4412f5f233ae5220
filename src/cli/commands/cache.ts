import { cacheApiLimits as limits } from '#api/cache/limits.ts'
import { batch } from '#cli/cache/batch.ts'
import { bus } from '#cli/cache/bus.ts'
import { lines } from '#cli/cache/lines.ts'
import { compareAndSet, get, increment, remove, set } from '#cli/cache/values.ts'
import { watch } from '#cli/cache/watch.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import type { ValuesOf } from '#cli/flags/flag.ts'
import { choice, duration, integer, patternText, text, toggle } from '#cli/flags/kinds.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { cacheClientOf, cacheServiceFlags } from '#cli/service/service-flags.ts'

const help = `Verbs:
  get KEY                   prints the value as it was written
  set KEY [VALUE]           writes it, and prints its version
  cas KEY EXPECTED [VALUE]  writes it if the value is the expected one
  del KEY                   removes it; what is absent is no error
  incr KEY [BY]             adds to a number, 1 by default, and prints the sum
  watch KEY                 prints the value, and again when it has changed
  batch [@FILE]             carries out each line of JSON, as POST /batch has them
  lines                     which node has which key, in which state
  bus                       the bus transactions of all nodes, as they happen

A VALUE that is JSON is written as that, anything else as a text. @FILE is what a file holds; - or nothing is standard input. In 'lines' a *
stands at what memory does not have yet, a - at a key that is known to be absent, a ! at what may not be used now.

Examples:
  lockstep cache set user_123 '{"name":"Alice"}' --ttl 10m
  lockstep cache get user_123 || load user_123 | lockstep cache set user_123
  lockstep cache set page:/ @index.html --text
  lockstep cache set leader me --if-absent
  lockstep cache incr visits 10
  lockstep cache lines --prefix user_

Exit codes: 0, 6 get: there is no value, 7 it is not as --if-version, --if-absent or cas expects, 1 refused (to add to what is no number, say; batch:
an operation failed), 75 memory is full, 69 no node answered: a change may have been carried out, 130 watch and bus: interrupted`

const verbs = ['get', 'set', 'cas', 'del', 'incr', 'watch', 'batch', 'lines', 'bus'] as const
type Verb = (typeof verbs)[number]

const flags = {
  text: toggle('set, cas: it is a text, also when it looks like JSON; get, watch: prints a text without quotes'),
  ttl: duration('DURATION', 'set, cas: it is absent after so long', { min: 1, max: limits.ttlMsMax }),
  ack: choice('LEVEL', 'set: replicated: a majority has it; or owner: faster, and lost when the node dies within 100 ms', [
    'replicated',
    'owner',
  ]),
  'if-version': patternText('VERSION', 'set, del: only if it has this version', {
    pattern: /^\d{1,15}\.\d{1,15}\.\d{1,15}$/,
    rule: 'a version, as set prints it',
  }),
  'if-absent': toggle('set: only if there is no value'),
  prefix: text('PREFIX', 'lines, bus: only keys that begin so'),
  after: text('KEY', 'lines: go on behind this one'),
  limit: integer('N', 'lines: how many at most; 100', { min: 1, max: 1_000_000 }),
  node: text('NAME', 'lines, bus: of one node; all of the cluster'),
  max: integer('N', 'watch, bus: ends after so many', { min: 1, max: 1_000_000_000 }),
  ...cacheServiceFlags,
} as const
type Values = ValuesOf<typeof flags>

/** What a verb takes besides the flags that all have: operands, how many of them there must be, and flags. */
interface Grammar {
  readonly operands: readonly string[]
  readonly needed: number
  readonly flags: readonly (keyof Values)[]
}

const grammars: Readonly<Record<Verb, Grammar>> = {
  get: { operands: ['KEY'], needed: 1, flags: ['text'] },
  set: { operands: ['KEY', 'VALUE'], needed: 1, flags: ['text', 'ttl', 'ack', 'if-version', 'if-absent'] },
  cas: { operands: ['KEY', 'EXPECTED', 'VALUE'], needed: 2, flags: ['text', 'ttl'] },
  del: { operands: ['KEY'], needed: 1, flags: ['if-version'] },
  incr: { operands: ['KEY', 'BY'], needed: 1, flags: [] },
  watch: { operands: ['KEY'], needed: 1, flags: ['text', 'max'] },
  batch: { operands: ['@FILE'], needed: 0, flags: [] },
  lines: { operands: [], needed: 0, flags: ['prefix', 'after', 'limit', 'node'] },
  bus: { operands: [], needed: 0, flags: ['prefix', 'node', 'max'] },
}
/** What a flag says when it is not given. */
const defaults: ReadonlySet<unknown> = new Set([undefined, false, 'replicated'])

export const cacheCommand: Command = defineCommand({
  name: 'cache',
  summary: 'read and write values of the cache, and look at it',
  operands: 'VERB [KEY] [VALUE]',
  words: verbs,
  help,
  flags,
  read(values, [given = '', ...operands], mistakes) {
    const verb = verbs.find((each) => each === given)
    if (verb === undefined) mistakes.push(`the VERB must be one of ${verbs.join(', ')}`)
    else checkVerb(verb, values, operands, mistakes)
    return { values, verb: verb ?? 'get', operands }
  },
  run: ({ values, verb, operands }) => act(cacheClientOf(values), verb, operands, values),
})

function checkVerb(verb: Verb, values: Values, operands: readonly string[], mistakes: string[]): void {
  const grammar = grammars[verb]
  for (const missing of grammar.operands.slice(operands.length, grammar.needed)) mistakes.push(`the ${missing} must be given`)
  for (const stray of operands.slice(grammar.operands.length))
    mistakes.push(`${verb} has no use for ${JSON.stringify(stray)}: quote a value with spaces`)
  const of = new Set(Object.values(grammars).flatMap((each) => each.flags))
  for (const flag of of) {
    if (!defaults.has(values[flag]) && !grammar.flags.includes(flag)) mistakes.push(`--${flag} is not for ${verb}`)
  }
  if (values['if-absent'] && values['if-version'] !== undefined) mistakes.push('--if-absent and --if-version exclude each other')
  if (verb === 'set' && values.ack === 'owner') {
    const needMemory = (['ttl', 'if-version', 'if-absent'] as const).filter((flag) => !defaults.has(values[flag]))
    for (const flag of needMemory) mistakes.push(`--ack owner and --${flag} exclude each other`)
  }
  if (grammar.operands[0] === 'KEY' && operands[0] !== undefined) checkKey(operands[0], mistakes)
  if (verb === 'incr' && operands[1] !== undefined && !Number.isSafeInteger(numberOf(operands[1]))) mistakes.push('BY must be an integer')
}

const numberOf = (digits: string): number => (/^[+-]?\d+$/.test(digits) ? Number(digits) : NaN)

function checkKey(key: string, mistakes: string[]): void {
  const isKey = key !== '' && key.isWellFormed() && Buffer.byteLength(key) <= limits.keyBytesMax && !/\p{Cc}/u.test(key)
  if (!isKey) mistakes.push(`a KEY has 1 to ${limits.keyBytesMax} bytes without control characters`)
  if (key === '.' || key === '..') mistakes.push(`no url keeps the KEY ${JSON.stringify(key)}: batch takes it`)
}

function act(client: ServiceClient, verb: Verb, operands: readonly string[], values: Values): Promise<number> {
  const [key = '', second, third] = operands
  switch (verb) {
    case 'get':
      return get(client, key, values)
    case 'set':
      return set(client, key, second, values)
    case 'cas':
      return compareAndSet(client, key, { expected: second ?? '', operand: third }, values)
    case 'del':
      return remove(client, key, values)
    case 'incr':
      return increment(client, key, numberOf(second ?? '1'), values)
    case 'watch':
      return watch(client, key, values)
    case 'batch':
      return batch(client, key === '' ? undefined : key)
    case 'lines':
      return lines(client, values)
    case 'bus':
      return bus(client, values)
  }
}
