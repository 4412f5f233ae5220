import type { Schema } from './schema.ts'

/** What clients of one service and its nodes say to each other. */
export interface ClientProtocol<FromClient, FromNode> {
  readonly service: string
  readonly fromClient: Schema<FromClient>
  readonly fromNode: Schema<FromNode>
  /** Whether a message of a client may be longer than a frame. */
  readonly longFromClient: boolean
}
