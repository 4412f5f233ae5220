/** A receipt is the id of a message and the number of the lease under which it was delivered: `018f…-….3`. Clients take it as it is. */

/** Which message is meant, and which delivery of it; null from who has no receipt. */
export interface MessageRef {
  readonly message_id: string
  readonly lease: number | null
}

export const receiptPattern = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\.[1-9][0-9]{0,14}$'

export const receiptOf = (messageId: string, lease: number): string => `${messageId}.${lease}`

/** `receipt` matches `receiptPattern`. */
export function refOfReceipt(receipt: string): MessageRef {
  const dot = receipt.lastIndexOf('.')
  return { message_id: receipt.slice(0, dot), lease: Number(receipt.slice(dot + 1)) }
}
