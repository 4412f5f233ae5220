import type { StoreFailure } from '#ports/log-store.ts'

/** Thrown within the stores only: what became of the disk, or of a record on it. The store turns it into an outcome. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault'
  readonly code: StoreFailure['code']

  constructor(code: StoreFailure['code'], detail: string, cause?: unknown) {
    super(detail, { cause })
    this.code = code
  }
}

/** What to do with a store that must not be used as it is. */
export const adviceFor = (folder: string): string =>
  `This node must not vote as its former self: keep a copy of ${folder}, move it away, and let the node join again as a new replica. ` +
  'The other replicas hold what was acknowledged.'

/** Numbers are errno values on POSIX systems; the negative ones are LMDB's own. */
const codes = new Map<number, StoreFailure['code']>([
  [27, 'disk-full'], // EFBIG
  [28, 'disk-full'], // ENOSPC
  [122, 'disk-full'], // EDQUOT
  [-30792, 'disk-full'], // MDB_MAP_FULL
  [-30797, 'damaged'], // MDB_PAGE_NOTFOUND
  [-30796, 'damaged'], // MDB_CORRUPTED
  [-30793, 'damaged'], // MDB_INVALID
  [-30782, 'damaged'], // MDB_BAD_TXN: a transaction that met a broken page earlier
  [-30794, 'unknown-format'], // MDB_VERSION_MISMATCH
])

/** Whatever LMDB, the file system or a decoder threw, as an outcome. */
export function failureOf(thrown: unknown, doing: string): StoreFailure {
  if (thrown instanceof StoreFault) return { type: 'failed', code: thrown.code, detail: thrown.message }
  const { code, message } = describe(thrown)
  return { type: 'failed', code: codes.get(code) ?? 'io-error', detail: `${doing}: ${message}` }
}

function describe(thrown: unknown): { readonly code: number; readonly message: string } {
  if (!(thrown instanceof Error)) return { code: 0, message: String(thrown) }
  if ('errno' in thrown && typeof thrown.errno === 'number') return { code: Math.abs(thrown.errno), message: thrown.message }
  const code = 'code' in thrown && typeof thrown.code === 'number' ? thrown.code : 0
  return { code, message: thrown.message }
}
