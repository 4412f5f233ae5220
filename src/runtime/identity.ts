import type { Constants, Formation } from '#core/cluster/types.ts'
import { packValue, unpackValue } from '#wire/value.ts'

/** What a node knows about itself before it has spoken to anybody; durable before it is acted on. */
export interface Identity {
  readonly name: string
  /** Drawn when the store was new: a wiped disk cannot speak as its former self (pitfall 34). */
  readonly incarnation: string
  /** Whose machines its groups are: those of another service would read their logs as something else. A store that was made before this was written does not say. */
  readonly service?: string | undefined
  readonly formation: Formation | null
  /** The newest cluster constants that it runs (decision R4). */
  readonly constants: Constants | null
  /** The other members when it last heard, so that it finds them again although none of its founders may be left. */
  readonly peers: readonly { readonly name: string; readonly address: string }[]
}

export const encodeIdentity = (identity: Identity): Uint8Array => packValue(identity)

/** The store has checked that these are the bytes that were written. */
export const decodeIdentity = (bytes: Uint8Array): Identity => unpackValue(bytes) as Identity
