/** One line of the table: a service, and a way to use it. */
export interface Row<Kind extends string = string> {
  readonly name: string
  /** Which client uses it. */
  readonly kind: Kind
  readonly addresses: readonly string[]
  /** Of all servers behind it. */
  readonly pids: readonly number[]
  /** `shown` is what promises less than we do, and so is no measure of us. */
  readonly role: 'ours' | 'peer' | 'shown'
}

/** A service that takes part. */
export interface Entrant<Kind extends string> {
  readonly rows: readonly Row<Kind>[]
  /** How it is set, as read back from it just now. */
  readonly settings: () => Promise<string>
}
