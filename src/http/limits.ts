/** What the server takes, whatever the call. */
export const httpLimits = {
  /** The largest request there is, of 64 names whose every byte is escaped, has 101 KiB. */
  bodyBytesMax: 128 * 1024,
  /** Of a decoded path parameter, in UTF-16 units; schemas have tighter ones. */
  parameterLengthMax: 1_024,
  /** For a whole request to arrive. */
  requestTimeoutMs: 30_000,
  /** Between two requests of a connection: longer than clients and proxies usually keep one, so that it is they who close it. */
  keepAliveMs: 72_000,
  /** Being answered at once, those that wait included. */
  openRequestsMax: 16_384,
  eventStreamsMax: 64,
  /** Per stream, when its reader is too slow. */
  eventsBufferedMax: 256,
  heartbeatMs: 10_000,
  /** A stream whose reader has taken nothing for so many heartbeats is closed. */
  heartbeatsBlockedMax: 3,
} as const

export type HttpLimits = { readonly [K in keyof typeof httpLimits]: number }
