import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import type { PeerNetwork } from './peer-proxy.ts'
import { PeerProxy } from './peer-proxy.ts'
import { ProcessCluster } from './process-cluster.ts'

/** Three nodes, not started yet, that find each other through proxies only; clients reach them directly. All of it ends with its owner. */
export async function proxiedCluster(network: PeerNetwork, owner: AsyncDisposableStack): Promise<ProcessCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const ports = await freePorts(3)
  const proxies = await Promise.all(ports.map((port, position) => PeerProxy.to({ name: `node-${position + 1}`, port }, network)))
  for (const proxy of proxies) owner.use(proxy)
  const voters = proxies.map(({ address }) => address)
  const args = ['--log-level', 'info']
  const nodes = ports.map((port, position) => {
    return { id: `node-${position + 1}`, address: `127.0.0.1:${port}`, advertise: voters[position] as string, voters, folder, args }
  })
  return owner.use(ProcessCluster.of(folder, nodes))
}
