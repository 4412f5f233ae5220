/** Times and bounds of an agent in an application, besides those of all clients. */
export const cacheSdkLimits = {
  /** Lines, and about how many bytes they take, unless `sync.cache` is told otherwise. */
  linesMax: 1_000_000,
  bytesMax: 64 * 1_048_576,
  /** Less than that holds nothing. */
  bytesMaxMin: 65_536,
  ttlMsMax: 366 * 86_400_000,
  /** A change that was sent longer ago than that is asked for again as one that may be forgotten (decision C6). */
  rememberedMs: 30_000,
  /** A change that began longer ago is not sent again: its client may be forgotten before the home has it, and then it would be carried out twice. */
  repeatedMs: 50_000,
  /** Keys of one `getMany` or `setMany`. */
  itemsMax: 10_000,
  /** Before a watched key that could not be read is read again. */
  watchRestMs: 20,
} as const
