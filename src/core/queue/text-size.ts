const encoder = new TextEncoder()

/** In UTF-8. */
export function byteLength(text: string): number {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return encoder.encode(text).length
  return text.length
}

/** A text has at most three bytes for each of its units, so most need not be measured. */
export const fits = (text: string, bytesMax: number): boolean =>
  text.length * 3 <= bytesMax || (text.length <= bytesMax && byteLength(text) <= bytesMax)
