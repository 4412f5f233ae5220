import { Prng } from '#base/prng.ts'
import { replicaId } from '#core/raft/types.ts'
import type { ReplicaId, Timing } from '#core/raft/types.ts'
import type { Lane, NodeKey, Transport } from '#ports/transport.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { ReplicaHost } from '#runtime/host.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { Disk } from '#sim/world/disk.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { PeerMessage } from '#wire/peer-message.ts'

export const timing: Timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 }

interface Sent {
  readonly to: string
  readonly lane: Lane
  readonly message: PeerMessage
}

/** A transport that only writes down what it is given. */
class Recorder implements Transport {
  readonly sent: Sent[] = []

  start(): void {}
  setPeers(): void {}
  stop(done: () => void): void {
    done()
  }
  send(to: string, lane: Lane, message: PeerMessage): void {
    this.sent.push({ to, lane, message })
  }
}

/** One host on a simulated machine; the test speaks for all its peers. */
export class OneHost {
  readonly self: NodeKey = { name: 'n1', incarnation: '1' }
  readonly replica: ReplicaId = replicaId('n1/1/0')
  readonly scheduler = new Scheduler()
  readonly machine = new Machine('n1', this.scheduler, { touched() {} })
  readonly disk = new Disk({ scheduler: this.scheduler, machine: this.machine, prng: new Prng(1) })
  readonly transport = new Recorder()
  readonly host: ReplicaHost

  constructor() {
    const { machine, disk } = this
    this.host = new ReplicaHost(
      {
        node: this.self,
        compaction: { bytes: 1_000_000, entries: 1_000, keepEntries: 100 },
        machineFor: () => new RegisterMachine(),
        machineVersion: 1,
        events: { request() {}, notice() {}, advanced() {}, roleChanged() {}, failed() {} },
      },
      { clock: machine, transport: this.transport, store: disk.open(), telemetry: silentTelemetry, prng: new Prng(2) },
      timing,
    )
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }
}
