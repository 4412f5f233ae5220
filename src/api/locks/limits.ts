const hour = 3_600_000

/** What the API takes. Names, lists and times are those of the lock machine, which refuses what is over them too. */
export const lockApiLimits = {
  /** Of `resource_id` and `client_id`, in UTF-8. */
  nameBytesMax: 256,
  /** Of `acquire-many`. */
  resourcesMax: 64,
  waitMsMax: 60_000,
  ttlMsMax: 24 * hour,
  /** Four of the default upper election time-outs: a session outlives a change of the leader. */
  sessionTtlMsMin: 4_000,
  lockDelayMsMax: 60_000,
  /** Of `GET /locks`. */
  pageMax: 1_000,
  /** Holders and waiters of each lock in a page. */
  listedPerLockMax: 16,
  /** Holders and waiters of `GET /locks/{resource_id}`. */
  listedMax: 1_000,
  /** Edges of `GET /deadlocks`. */
  edgesMax: 1_000,
  /** Deadlocks of `GET /deadlocks`, and links of a cycle in an answer. */
  deadlocksMax: 64,
  cycleMax: 64,
  /** Holders in the answer to a request that waits or waited. */
  holdersMax: 16,
  reasonBytesMax: 256,
} as const

export const lockDefaults = {
  lock_type: 'exclusive',
  /** Of a lock without a session; 0 is until released. */
  ttl_ms: 60_000,
  session_ttl_ms: 10_000,
  lock_delay_ms: 0,
  page: 100,
} as const
