/**
 * Whose an address is, for limits: an IPv4 address is one machine, however it is written, and of IPv6 the first half says whose the network is, as everybody
 * has as many of the other halves as wanted.
 */
export function addressKey(address: string): string {
  const mapped = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail === undefined) return groups.slice(0, networkGroups).map(plainGroup).join(':')
  const behind = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, allGroups - groups.length - behind.length) }, () => '0')
  return [...groups, ...zeros, ...behind].slice(0, networkGroups).map(plainGroup).join(':')
}

const plainGroup = (group: string): string => group.replace(/^0+(?=.)/, '').toLowerCase()

const allGroups = 8
const networkGroups = 4
