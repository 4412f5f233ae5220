/** The client of one cache, as a program would use it. Values are texts. */
export interface CacheClient extends AsyncDisposable {
  /** Undefined when there is none. */
  get(key: string): Promise<string | undefined>
  /** Resolves when the cache has confirmed it. */
  set(key: string, value: string): Promise<void>
  /** What needs no turn of the event loop; null where there is nothing of the kind. */
  readonly here: Here | null
}

/** The memory of this process. */
export interface Here {
  /** Undefined too when somebody would have to be asked. */
  get(key: string): string | undefined
  /** False when it cannot be written here and now. */
  set(key: string, value: string): boolean
}
