import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePorts } from '#test/harness/free-ports.ts'
import { until } from '#test/harness/until.ts'
import { ServerProcesses } from './server-processes.ts'

/** When the append-only file is synced: before every answer, every second, or when the system likes. */
export type Fsync = 'always' | 'everysec' | 'no'

/** Redis servers that know nothing of each other, each with an append-only file. */
export class RedisServers implements AsyncDisposable {
  readonly #processes = new ServerProcesses()
  readonly #count: number
  readonly #fsync: Fsync
  #ports: readonly number[] = []

  static readonly command = 'redis-server'

  constructor(count: number, fsync: Fsync) {
    this.#count = count
    this.#fsync = fsync
  }

  get pids(): readonly number[] {
    return this.#processes.pids
  }
  get addresses(): readonly string[] {
    return this.#ports.map((port) => `127.0.0.1:${port}`)
  }

  async start(): Promise<void> {
    this.#ports = await freePorts(this.#count)
    for (const port of this.#ports) {
      const folder = join(this.#processes.folder, String(port))
      mkdirSync(folder)
      const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
      const keeping = ['--save', '', '--appendonly', 'yes', '--appendfsync', this.#fsync]
      this.#processes.start(RedisServers.command, [...where, ...keeping, '--loglevel', 'warning'])
    }
    try {
      await until('Redis answers', async () => (await this.settings()) !== '', 15_000)
    } catch (cause) {
      throw new Error(`Redis does not start: ${this.#processes.lastWords}`, { cause })
    }
  }

  /** What they say of themselves, for the record. Throws when they sync other than asked for. */
  async settings(): Promise<string> {
    const all = await Promise.all(this.#ports.map(settingsOf))
    const [first] = all
    if (first === undefined || all.some(({ appendonly, appendfsync }) => appendonly !== 'yes' || appendfsync !== this.#fsync)) {
      throw new Error(`Redis keeps its data other than asked for: ${JSON.stringify(all)}`)
    }
    return `Redis ${first.version} × ${all.length}: appendonly ${first.appendonly}, appendfsync ${first.appendfsync}`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes[Symbol.asyncDispose]()
  }
}

interface Settings {
  readonly version: string
  readonly appendonly: string
  readonly appendfsync: string
}

async function settingsOf(port: number): Promise<Settings> {
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const read = async (name: string): Promise<string> => ((await redis.config('GET', name)) as readonly string[])[1] ?? ''
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'of unknown version'
    return { version, appendonly: await read('appendonly'), appendfsync: await read('appendfsync') }
  } finally {
    redis.disconnect()
  }
}
