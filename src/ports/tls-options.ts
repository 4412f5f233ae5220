/** How a client makes sure of nodes, and they of it. What files hold, in PEM. */
export interface TlsOptions {
  /** Of the certificates of nodes; those that Node.js knows unless given. */
  readonly ca?: string | Uint8Array | undefined
  /** What the client shows, where nodes ask for it. */
  readonly cert?: string | Uint8Array | undefined
  /** Of that certificate. */
  readonly key?: string | Uint8Array | undefined
  /** The name in the certificates of nodes, when that is not the host they are reached by. */
  readonly servername?: string | undefined
}
