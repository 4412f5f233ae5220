import type { SlotHost } from '#runtime/slot-host.ts'
import type { Place, Welcome } from '#wire/client-message.ts'

interface Host {
  readonly node: () => SlotHost
  readonly name: string
  readonly version: string
}

/** What a node answers a client that greets; null while it does not belong to a cluster. */
export function welcomeOf(host: Host, leader: string | null): Omit<Welcome, 'version' | 'grants'> | null {
  const { clusterId } = host.node().standing
  if (clusterId === null) return null
  return { clusterId, node: host.name, software: host.version, members: placesOf(host.node()), leader }
}

export function placesOf({ standing }: SlotHost): readonly Place[] {
  return standing.places.map(({ name, address }) => ({ node: name, address }))
}
