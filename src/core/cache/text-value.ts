import type { Value } from './types.ts'

const encoder = new TextEncoder()
/** What is no UTF-8 would not come back as it was. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A value that is kept as the text that its bytes are: as an array they would be several objects, and take some hundred bytes more. */
export class TextValue implements Value {
  /** In bytes. */
  readonly size: number
  readonly text: string

  private constructor(text: string, size: number) {
    this.text = text
    this.size = size
  }

  static ofText(text: string): TextValue {
    return new TextValue(text, encoder.encode(text).length)
  }

  /** Throws a `TypeError` for what is no UTF-8. */
  static ofBytes(bytes: Uint8Array): TextValue {
    return new TextValue(decoder.decode(bytes), bytes.length)
  }

  get bytes(): Uint8Array {
    return encoder.encode(this.text)
  }
}
