import { wireLimits } from './limits.ts'

/** Puts the messages of one stream together again from their parts; holds no more than the limit of one message. */
export class MessageAssembler {
  #parts: Uint8Array[] = []
  #bytes = 0

  /** Keeps a copy of the part. False when the message is longer than any may be. */
  part(body: Uint8Array): boolean {
    if (this.#bytes + body.length > wireLimits.messageBytesMax) return false
    this.#parts.push(new Uint8Array(body))
    this.#bytes += body.length
    return true
  }

  /** The message that ends with this part, valid as long as `body` is; null when it is too long. */
  end(body: Uint8Array): Uint8Array | null {
    if (this.#parts.length === 0) return body
    if (this.#bytes + body.length > wireLimits.messageBytesMax) return null
    const message = Buffer.concat([...this.#parts, body], this.#bytes + body.length)
    this.#parts = []
    this.#bytes = 0
    return message
  }
}
