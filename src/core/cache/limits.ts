import { assert } from '#base/assert.ts'

/** Those of time and of memory are cluster constants: a home and its agents must agree on them (decision R4). */
export const cacheLimits = {
  /** How long an agent may use its lines without hearing from the home. */
  leaseMs: 1_000,
  /** A session outlives its lease for so long, unless somebody wants what it has. */
  lingerMs: 2_000,
  /** An agent counts that much less, a home that much more: clocks may differ in rate, and rounding must never help. */
  marginMs: 100,
  /** Renewals are sent this often. */
  renewMs: 333,
  /** A longer time between two ticks is taken for a pause: leases are renewed before they are used again. */
  gapMs: 500,
  /** An agent sends a request again that was not answered. */
  retryMs: 200,
  /** A home sends a snoop again. */
  snoopRetryMs: 50,
  /** After so long without an answer to a snoop a lease is not renewed any more (decision C13). */
  snoopPatienceMs: 300,
  /** A dirty line is flushed at the latest after this. */
  flushMs: 100,
  /** A loader that took longer has lost its token. */
  fillMs: 5_000,
  /** An idle client session is forgotten. */
  clientIdleMs: 60_000,

  linesMax: 100_000,
  lineBytesMax: 64 * 1024 * 1024,
  /** What an agent may have at the level `owner`, and so push to a new home in one message, for each slot. */
  dirtyLinesMax: 4_096,
  dirtyBytesMax: 4 * 1024 * 1024,
  /** Keys with an open request or somebody waiting, at an agent. */
  openKeysMax: 16_384,
  /** Operations that wait for one key at an agent, and those that travel together. */
  waitingPerKeyMax: 10_000,
  batchMax: 256,
  /** Of the values that travel together; one that is larger goes alone. */
  batchBytesMax: 2 * 1024 * 1024,
  /** Requests that wait for one key at a home. */
  queuedPerKeyMax: 10_000,
  /** Requests of one session that the home has taken and the agent has not confirmed. */
  openRequestsMax: 32_768,
  /** Keys that somebody holds; beyond it the longest untouched are recalled. */
  directoryMax: 1_000_000,
  /** Of a slot. */
  memoryBytesMax: 256 * 1024 * 1024,
  sessionsMax: 10_000,
  clientsMax: 100_000,
  outcomesPerClientMax: 1_024,
  /** Writers of one key that took it from each other in a row before the home carries their operations out itself. */
  bouncesMax: 3,
  bouncingKeysMax: 10_000,
  /** Namespaces of a slot that were ever cleared. */
  namespacesMax: 10_000,
  nameBytesMax: 1_024,
  namespaceBytesMax: 256,
  /** A namespace, what stands between, and a name. */
  keyBytesMax: 1_024 + 257,
  valueBytesMax: 1024 * 1024,
} as const

export type CacheLimits = { readonly [K in keyof typeof cacheLimits]: number }

/** What `limits` must agree on for the protocol to be sound; checked wherever limits are taken. */
export function assertLimits(limits: CacheLimits): void {
  assert(limits.leaseMs > 2 * limits.marginMs, 'a lease lasts for longer than its margins')
  assert(limits.keyBytesMax >= limits.namespaceBytesMax + 1 + limits.nameBytesMax, 'the longest names fit a key')
  assert(limits.openKeysMax <= limits.openRequestsMax, 'a home takes all that an agent may ask')
}
