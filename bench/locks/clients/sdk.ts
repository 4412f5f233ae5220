import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'

const sdkFile = join(import.meta.dirname, '..', '..', '..', 'src', 'index.ts')

export const hasSdk = (): boolean => existsSync(sdkFile)

/** What is used of the library. */
interface Sdk {
  readonly connect: (options: { readonly lock: readonly string[] }) => Promise<Sync>
}
interface Sync {
  readonly lock: (name: string) => Promise<{ readonly fencingToken: number; readonly release: () => Promise<void> }>
  readonly close: () => Promise<void>
}

/** Our nodes through the library: all clients share one connection, as the tasks of one program do. */
export class SdkClients implements LockClients {
  readonly #sync: Sync

  private constructor(sync: Sync) {
    this.#sync = sync
  }

  static async connect(addresses: readonly string[]): Promise<SdkClients> {
    const { connect } = (await import(pathToFileURL(sdkFile).href)) as Sdk
    return new SdkClients(await connect({ lock: addresses.map((address) => `http://${address}`) }))
  }

  async newClient(): Promise<LockClient> {
    return {
      acquire: async (name): Promise<HeldLock> => {
        const lock = await this.#sync.lock(name)
        return { token: lock.fencingToken, release: () => lock.release() }
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sync.close()
  }
}
