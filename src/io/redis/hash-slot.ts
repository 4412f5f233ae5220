/** Where a Redis Cluster keeps the keys with this tag: CRC-16 (XMODEM) of it, modulo 16384 (Redis Cluster specification). */
export function hashSlotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff
  }
  return crc % 16_384
}
