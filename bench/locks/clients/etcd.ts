import { Etcd3, EtcdLockFailedError } from 'etcd3'
import type { Lock } from 'etcd3'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'
import { retrying } from '#bench/locks/lock-client.ts'

const ttlSeconds = 30
/** It does not queue: who is refused asks again, soon at first, then less often, as every attempt costs etcd a lease. */
const restMs = (attempt: number): number => Math.min(160, 10 * 2 ** attempt) * (0.5 + Math.random())

/** etcd as its Node client offers locks: `client.lock(name)`, which makes a lease for every attempt. All clients share one connection. */
export class EtcdClients implements LockClients {
  readonly #etcd: Etcd3

  constructor([leader = '']: readonly string[]) {
    this.#etcd = new Etcd3({ hosts: `http://${leader}` })
  }

  async newClient(): Promise<LockClient> {
    return { acquire: (name, until) => retrying(() => held(this.#etcd.lock(name).ttl(ttlSeconds)), until, restMs) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#etcd.close()
  }
}

async function held(lock: Lock): Promise<HeldLock | null> {
  try {
    await lock.acquire()
  } catch (error) {
    if (error instanceof EtcdLockFailedError) return null
    throw error
  }
  return { token: null, release: () => lock.release() }
}
