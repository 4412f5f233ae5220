import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import type { PeerNetwork } from './peer-proxy.ts'
import { PeerProxy } from './peer-proxy.ts'
import { ProcessCluster } from './process-cluster.ts'

interface ProxiedOptions {
  /** The register, unless another is given. */
  readonly service?: 'lock' | 'queue' | 'cache'
  readonly args?: readonly string[]
}

/** Three nodes, not started yet, that find each other through proxies only; clients reach them directly. All of it ends with its owner. */
export async function proxiedCluster(
  network: PeerNetwork,
  owner: AsyncDisposableStack,
  { service, args = ['--log-level', 'debug'] }: ProxiedOptions = {},
): Promise<ProcessCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const ports = await freePorts(3)
  const ids = ports.map((_, position) => `${service === undefined ? '' : `${service}-`}node-${position + 1}`)
  const proxies = await Promise.all(ports.map((port, position) => PeerProxy.to({ name: ids[position] as string, port }, network)))
  for (const proxy of proxies) owner.use(proxy)
  const voters = proxies.map(({ address }) => address)
  const hosted = service === undefined ? {} : { service }
  const nodes = ports.map((port, position) => {
    const own = { id: ids[position] as string, address: `127.0.0.1:${port}`, advertise: voters[position] as string }
    return { ...own, ...hosted, voters, folder, args }
  })
  return owner.use(ProcessCluster.of(folder, nodes))
}
