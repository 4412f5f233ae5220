import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeAnswer, encodeCommand } from '#core/lock/command-codec.ts'
import { LockMachine } from '#core/lock/machine.ts'
import type { LockAnswer, LockCommand } from '#core/lock/types.ts'
import { clientId, fencingToken, resourceName } from '#core/lock/types.ts'
import { spread } from '#bench/kit/stats.ts'

/** The lock machine alone, in one thread and without a log: what a lock weighs, how fast a cycle of waits is found, and pairs per second. */
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
})
const rounds = Number(options.rounds)
const heldLocks = 1_000_000
const heldClients = 10_000
const chainLength = 10_000

const ownerOf = (client: number) => ({ client: clientId(`client-${client}`), session: null })

function acquire(client: number, resource: string): LockCommand {
  const items = [{ resource: resourceName(resource), mode: 'exclusive' as const }]
  return { type: 'acquire', identity: null, owner: ownerOf(client), items, ttlMs: 60_000, lockDelayMs: 0, waitMs: null }
}

const release = (client: number, resource: string, token: number): LockCommand => ({
  type: 'release',
  identity: null,
  owner: ownerOf(client),
  resource: resourceName(resource),
  proof: { type: 'token', token: fencingToken(token) },
})

class Locks {
  readonly #machine = new LockMachine()
  #index = 0

  /** The way through a log: encoded, decoded, carried out, the answer encoded. */
  apply(command: LockCommand, expected: LockAnswer['type']): LockAnswer {
    const context = { index: ++this.#index, term: 1, time: millis(0), wall: wallMillis(0) }
    const { answer } = this.#machine.apply(encodeCommand(command), context)
    if (answer.type !== expected) throw new Error(`${command.type} was answered with ${JSON.stringify(answer)}`)
    encodeAnswer(answer)
    return answer
  }

  pair(client: number, resource: string): void {
    const granted = this.apply(acquire(client, resource), 'granted')
    const [grant] = granted.type === 'granted' ? granted.grants : []
    this.apply(release(client, resource, grant?.token ?? 0), 'released')
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Of this process after a collection, in bytes. */
function memory(): { readonly heap: number; readonly anonymous: number } {
  collect()
  collect()
  const status = readFileSync('/proc/self/status', 'utf8')
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed + external, anonymous: Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1_024 }
}

function pairsPerSecond(locks: Locks): number {
  const clients = 64
  const end = performance.now() + Number(options.seconds) * 1_000
  const startedAt = performance.now()
  let pairs = 0
  for (; performance.now() < end; pairs += clients) {
    for (let client = 0; client < clients; client++) locks.pair(client, `own-${client}`)
  }
  return (pairs / (performance.now() - startedAt)) * 1_000
}

/** Each client holds one lock and waits for the next one's: the last request would close the ring. */
function chainMs(): number[] {
  const locks = new Locks()
  for (let at = 0; at < chainLength; at++) locks.apply(acquire(at, `link-${at}`), 'granted')
  for (let at = 0; at < chainLength - 1; at++) locks.apply(acquire(at, `link-${at + 1}`), 'queued')
  return Array.from({ length: 30 }, () => {
    const startedAt = performance.now()
    locks.apply(acquire(chainLength - 1, 'link-0'), 'deadlock')
    return performance.now() - startedAt
  })
}

const repeated = (measure: () => number): number[] => Array.from({ length: rounds }, measure)
const show = ({ min, median, max }: ReturnType<typeof spread>, digits: number): string =>
  [min, median, max].map((value) => value.toFixed(digits)).join(' / ')
const mebibytes = (bytes: number): number => bytes / 2 ** 20

const few = new Locks()
few.pair(0, 'warm')
const alone = spread(repeated(() => pairsPerSecond(few)))
console.log(`pairs/s: ${show(alone, 0)}`)

const before = memory()
const full = new Locks()
for (let at = 0; at < heldLocks; at++) full.apply(acquire(at % heldClients, `resource-${at}`), 'granted')
const after = memory()
const [heap, anonymous] = [mebibytes(after.heap - before.heap), mebibytes(after.anonymous - before.anonymous)]
console.log(`${heldLocks} held locks: ${heap.toFixed(0)} MiB of heap, ${anonymous.toFixed(0)} MiB of anonymous memory`)
const beside = spread(repeated(() => pairsPerSecond(full)))
console.log(`pairs/s beside them: ${show(beside, 0)}`)

const chain = spread(chainMs())
console.log(`a chain of ${chainLength} waits: checked in ${show(chain, 2)} ms`)

const results = { alone, beside, heldLocks, heapMiB: heap, anonymousMiB: anonymous, chainLength, chainMs: chain }
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
