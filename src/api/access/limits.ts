/** Of tokens and of callers. */
export const accessLimits = {
  tokensMax: 1_000,
  tokenFileBytesMax: 4 * 1024 * 1024,
  prefixesMax: 64,
  nameLengthMax: 64,
  prefixBytesMax: 256,
  /** Of what is sent as a token. */
  secretLengthMax: 512,
  /** So many seconds of its rate a caller may use at once, after a rest. */
  burstSeconds: 2,
  /** That are told apart by the limit of rates. */
  callersMax: 10_000,
  /** Open connections of one address, unless configured otherwise. */
  connectionsPerAddress: 4_096,
  /** How often it is looked whether the file of tokens has changed. */
  lookEveryMs: 1_000,
} as const
