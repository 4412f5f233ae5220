/**
 * Texts that were read a moment ago. The same few names and sessions are read again and again: to find one here costs a fifth of decoding it, and
 * the engine has hashed it already when it is looked up in a map.
 */
const slots = 2048
const bytesMax = 64
const texts: string[] = Array.from({ length: slots }, () => '')

/** The text that these bytes are in UTF-8, if it was read lately. */
export function known(bytes: Uint8Array, from: number, to: number): string | null {
  const text = texts[slotOf(bytes, from, to)] as string
  if (text.length !== to - from) return null
  for (let at = from; at < to; at++) if (text.charCodeAt(at - from) !== bytes[at]) return null
  return text
}

/** Only what is short, and ASCII: then its bytes are its characters. */
export function remember(text: string, bytes: Uint8Array, from: number, to: number): void {
  if (text.length === to - from && text.length <= bytesMax) texts[slotOf(bytes, from, to)] = text
}

/** Names differ in their last characters more often than in their first. */
function slotOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let at = Math.max(from, to - 8); at < to; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
  return (hash ^ (hash >>> 11)) & (slots - 1)
}
