/** A number from 0 to 65 535 that tells texts apart well enough to spread them, by FNV-1a, folded. Not for what somebody might choose to collide. */
export function fold(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  return (hash ^ (hash >>> 16)) & 0xffff
}
