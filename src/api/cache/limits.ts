const mebibyte = 1_048_576

/** What the API takes. */
export const cacheApiLimits = {
  /** In UTF-8. */
  keyBytesMax: 1_024,
  /** Of one value, as it was sent. */
  valueBytesMax: mebibyte,
  /** Of a request with values, and of the values of an answer. */
  requestBytesMax: 8 * mebibyte,
  operationIdBytesMax: 128,
  /** Operations of one batch. */
  itemsMax: 1_000,
  ttlMsMax: 366 * 86_400_000,
  /** Of `GET /status`. */
  pageMax: 1_000,
  nodesMax: 1_024,
  slotsMax: 65_535,
  /** Streams of `GET /watch/{key}`. */
  watchesMax: 1_024,
} as const

/** What a request says by leaving a field out. */
export const cacheDefaults = { ack: 'replicated', by: 1, page: 100 } as const
