import type { Millis } from '#base/brand.ts'
import type { ClusterState } from '#core/cluster/types.ts'

/** What a node knows of its cluster, for those who look after it. */
export interface ClusterOverview {
  readonly state: ClusterState
  readonly deadAfterMs: number
  /** What only the leader of the meta group knows; null elsewhere, and then `state` may be old. */
  readonly heard: Heard | null
}

interface Heard {
  /** Machine time of now, which is that of the moments in `state`. */
  readonly time: Millis
  /** For how long nothing was heard of a member, by its name; one that this leader has never heard is not in it. */
  readonly silentMs: Readonly<Record<string, number>>
}

/** What a node answers whom it is asked about the cluster as it is now. */
export type OverviewAnswer =
  | { readonly type: 'overview'; readonly overview: ClusterOverview }
  | { readonly type: 'elsewhere'; readonly leader: string | null }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const encodeOverview = (answer: OverviewAnswer): Uint8Array => encoder.encode(JSON.stringify(answer))

/** Of a node of the same cluster. */
export const decodeOverview = (bytes: Uint8Array): OverviewAnswer => JSON.parse(decoder.decode(bytes)) as OverviewAnswer
