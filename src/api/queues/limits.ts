const day = 86_400_000
const mebibyte = 1_048_576

/** What the API takes. Names, lists and times are those of the queue machine, which refuses what is over them too. */
export const queueApiLimits = {
  /** Of a queue, a consumer, a producer, a key, a dedupe id or a header's name, in UTF-8. */
  nameBytesMax: 256,
  /** Of one message, as it was sent. */
  messageBytesMax: mebibyte,
  /** Of a request with messages, and of the messages of an answer; one message is always delivered. */
  requestBytesMax: 8 * mebibyte,
  /** Messages of one call. */
  itemsMax: 1_000,
  headersMax: 64,
  headerValueBytesMax: 4_096,
  priorityMax: 9,
  waitMsMax: 60_000,
  /** Of delays, of the life of messages, and of the window of dedupe ids. */
  durationMsMax: 366 * day,
  visibilityMsMax: day,
  maxFailuresMax: 10_000,
  partitionsMax: 1_024,
  maxLengthMax: 1_000_000_000,
  redriveRateMax: 1_000_000,
  /** Of `GET /queues` and `GET /status`. */
  pageMax: 1_000,
  /** Of `GET /queues/{queue}/peek` and `/scheduled`. */
  messagesPageMax: 100,
  /** Consumers of a queue in an answer. */
  consumersMax: 16,
  slotsMax: 1_024,
  nodesMax: 1_024,
  /** Of `GET /consume/stream`. */
  creditMax: 10_000,
} as const

/** How a queue is set that is created by its first message. */
export const settingDefaults = {
  visibility_ms: 30_000,
  max_failures: 20,
  expiry_fails: true,
  retry: { growth: 'exponential', delay_ms: 1_000, max_ms: 60_000, jitter_percent: 20 },
  dead_letter_queue: null,
  max_length: null,
  overflow: 'reject',
  ttl_ms: null,
  dedupe_window_ms: 300_000,
  paused: false,
} as const

/** What a request says by leaving a field out. */
export const queueDefaults = {
  partitions: 1,
  priority: 0,
  nack_kind: 'fail',
  redrive_from: 'dead',
  page: 100,
  messages_page: 10,
  credit: 100,
} as const
