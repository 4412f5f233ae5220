import { Client, credentials } from '@grpc/grpc-js'
import { Etcd3 } from 'etcd3'
import type { Lease } from 'etcd3'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'
import { bytesField, numberField, readBytesField } from './protobuf.ts'

const ttlSeconds = 30

/** etcd as its own lock service offers locks, which its Node client does not know: `v3lockpb.Lock`, with one lease per client. It queues. */
export class EtcdRpcClients implements LockClients {
  readonly #etcd: Etcd3
  readonly #locks: Client
  readonly #leases: Lease[] = []

  constructor([leader = '']: readonly string[]) {
    this.#etcd = new Etcd3({ hosts: `http://${leader}` })
    this.#locks = new Client(leader, credentials.createInsecure())
  }

  async newClient(): Promise<LockClient> {
    const lease = this.#etcd.lease(ttlSeconds)
    this.#leases.push(lease)
    const id = BigInt(await lease.grant())
    return { acquire: (name) => this.#lock(name, id) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#leases.splice(0).map((lease) => lease.revoke()))
    this.#locks.close()
    this.#etcd.close()
  }

  /** `LockRequest { bytes name = 1; int64 lease = 2 }` is answered with `LockResponse { header = 1; bytes key = 2 }`. */
  async #lock(name: string, lease: bigint): Promise<HeldLock> {
    const response = await this.#call('Lock', Buffer.concat([bytesField(1, Buffer.from(name)), numberField(2, lease)]))
    const key = readBytesField(response, 2)
    if (key === null) throw new Error('a lock was granted without its key')
    return {
      token: null,
      release: async () => void (await this.#call('Unlock', bytesField(1, key))),
    }
  }

  #call(method: 'Lock' | 'Unlock', request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const asIs = (bytes: Buffer): Buffer => bytes
      this.#locks.makeUnaryRequest(`/v3lockpb.Lock/${method}`, asIs, asIs, request, (error, response) => {
        if (error === null && response !== undefined) resolve(response)
        else reject(error ?? new Error(`${method} was not answered`))
      })
    })
  }
}
