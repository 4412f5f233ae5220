import type { Redis } from 'ioredis'
import type { Reply, ServerSettings } from '#ports/redis-slots.ts'
import { connect } from './connect.ts'
import { redisLimits } from './limits.ts'
import { reasonOf, RedisFault } from './redis-fault.ts'
import type { Endpoint, RedisPlace } from './redis-place.ts'
import { scripts } from './scripts.ts'
import type { ScriptName } from './scripts.ts'
import { isAtLeast, parseInfo } from './server-info.ts'
import type { ServerInfo } from './server-info.ts'

/** What counts as durable. */
export interface Durability {
  /** So many replicas must have a write too. */
  readonly replicas: number
  /** Whatever the server keeps is good enough. */
  readonly relaxed: boolean
}

export type Argument = string | number | Uint8Array

interface Write {
  readonly script: ScriptName
  readonly keys: readonly string[]
  readonly args: readonly Argument[]
  readonly done: (reply: Reply<unknown>) => void
}

/**
 * One server of a session, on two connections: writes and their confirmations on one, in order; reads on the other, so that they do not wait for
 * confirmations. What is written in one turn shares a confirmation. Whatever goes wrong ends both, for good.
 */
export class Server {
  readonly info: ServerInfo
  readonly settings: ServerSettings
  readonly #writer: Redis
  readonly #reader: Redis
  readonly #confirmation: readonly (string | number)[] | null
  #writes: Write[] = []
  /** Calls that have not been answered, and since when the oldest may have been waiting. */
  #open = 0
  #watch: NodeJS.Timeout | null = null
  #ended: ((reason: string) => void) | null = null

  private constructor(
    connections: { writer: Redis; reader: Redis },
    known: { info: ServerInfo; settings: ServerSettings },
    durability: Durability,
  ) {
    this.#writer = connections.writer
    this.#reader = connections.reader
    this.info = known.info
    this.settings = known.settings
    this.#confirmation = confirmationOf(known.info, durability)
  }

  /** Rejects with a `RedisFault`. */
  static async open(place: RedisPlace, endpoint: Endpoint, durability: Durability): Promise<Server> {
    const writer = await connect(place, endpoint)
    let reader: Redis | null = null
    try {
      reader = await connect(place, endpoint)
      const info = await infoOf(writer)
      if (info.role !== 'master') throw new RedisFault(`${addressOf(writer)} is a ${info.role}, not a master`)
      if ((await infoOf(reader)).identity !== info.identity) throw new RedisFault('another server took over meanwhile')
      for (const { text } of Object.values(scripts)) await writer.script('LOAD', text)
      const settings = await settingsOf(writer, info)
      return new Server({ writer, reader }, { info, settings }, durability)
    } catch (error) {
      writer.disconnect()
      reader?.disconnect()
      throw error instanceof RedisFault ? error : new RedisFault(reasonOf(error), { cause: error })
    }
  }

  /** Calls once, when the server cannot be used any more; never from within a call. */
  start(ended: (reason: string) => void): void {
    this.#ended = ended
    for (const connection of [this.#writer, this.#reader]) {
      connection.once('close', () => this.#end('the connection broke'))
      if (connection.status !== 'ready') setImmediate(() => this.#end('the connection broke'))
    }
  }

  close(): void {
    this.#ended = null
    if (this.#watch !== null) clearInterval(this.#watch)
    this.#writer.disconnect()
    this.#reader.disconnect()
  }

  /** `broken` is told by whoever ends the session: then nothing is called here. */
  write(script: ScriptName, keys: readonly string[], args: readonly Argument[], done: (reply: Reply<unknown>) => void): void {
    this.#writes.push({ script, keys, args, done })
    if (this.#writes.length === 1) queueMicrotask(() => this.#flush())
  }

  read(command: string, args: readonly Argument[], done: (value: unknown) => void): void {
    this.#answer(this.#reader.callBuffer(command, ...args.map(bytesOf)), done)
  }

  readScript(script: ScriptName, keys: readonly string[], args: readonly Argument[], done: (value: unknown) => void): void {
    this.read('EVALSHA', [scripts[script].sha, keys.length, ...keys, ...args], done)
  }

  /** The session ends if this is not the server any more that it was, or not a master. */
  verify(): void {
    this.#answer(infoOf(this.#writer), ({ identity, role }) => {
      if (identity !== this.info.identity || role !== 'master') this.#end('another server took over, or another history of its data')
    })
  }

  #flush(): void {
    const writes = this.#writes
    this.#writes = []
    const pipeline = this.#writer.pipeline()
    for (const { script, keys, args } of writes) {
      pipeline.callBuffer('EVALSHA', ...[scripts[script].sha, keys.length, ...keys, ...args].map(bytesOf))
    }
    if (this.#confirmation !== null) {
      const [command = '', ...args] = this.#confirmation
      pipeline.call(String(command), ...args)
    }
    this.#answer(pipeline.exec(), (results) => this.#answered(writes, results ?? []))
  }

  #answered(writes: readonly Write[], results: readonly [Error | null, unknown][]): void {
    const failed = results.find(([error]) => error !== null)?.[0] ?? null
    if (failed !== null) {
      this.#end(failed.message)
      return
    }
    const isConfirmed = this.#confirmation === null || isEnough(this.#confirmation, results[writes.length]?.[1])
    for (const [at, { done }] of writes.entries()) done(isConfirmed ? { type: 'done', value: results[at]?.[1] } : { type: 'unconfirmed' })
  }

  /** A server that does not answer at all is found out by the watch. */
  #answer<Value>(asked: Promise<Value>, done: (value: Value) => void): void {
    if (this.#open++ === 0) this.#rewatch()
    void asked.then(
      (value) => {
        if (--this.#open > 0) this.#rewatch()
        else if (this.#watch !== null) clearTimeout(this.#watch)
        if (this.#ended !== null) this.#tell(value, done)
      },
      (error: unknown) => this.#end(reasonOf(error)),
    )
  }

  /** What cannot be understood ends the session and not the process: somebody may have written into the keys of the cluster. */
  #tell<Value>(value: Value, done: (value: Value) => void): void {
    try {
      done(value)
    } catch (error) {
      this.#end(`an answer could not be understood: ${reasonOf(error)}`)
    }
  }

  #rewatch(): void {
    if (this.#watch !== null) clearTimeout(this.#watch)
    this.#watch = setTimeout(() => this.#end(`no answer for ${redisLimits.answerMs} ms`), redisLimits.answerMs)
  }

  #end(reason: string): void {
    const ended = this.#ended
    this.close()
    ended?.(`${this.settings.address}: ${reason}`)
  }
}

const bytesOf = (argument: Argument): string | Buffer | number =>
  argument instanceof Uint8Array ? Buffer.from(argument.buffer, argument.byteOffset, argument.length) : argument

/** What is asked after each group of writes, on their connection; null when the answer of the server says it already. */
function confirmationOf({ version }: ServerInfo, { replicas, relaxed }: Durability): readonly (string | number)[] | null {
  if (isAtLeast(version, [7, 2]) && !relaxed) return ['WAITAOF', 1, replicas, redisLimits.confirmMs]
  return replicas > 0 ? ['WAIT', replicas, redisLimits.confirmMs] : null
}

/** Each count must be what was asked for. */
function isEnough([, ...asked]: readonly (string | number)[], answer: unknown): boolean {
  const counts = (Array.isArray(answer) ? answer : [answer]).map(Number)
  return counts.every((count, at) => count >= Number(asked[at]))
}

const infoOf = async (connection: Redis): Promise<ServerInfo> =>
  parseInfo(`${await connection.info('server')}\r\n${await connection.info('replication')}`)

/** Null for what the server does not tell; a managed Redis may not know `CONFIG`. */
async function settingOf(connection: Redis, name: string): Promise<string | null> {
  try {
    const [, value] = await connection.config('GET', name)
    return value ?? null
  } catch {
    // It is for the engine to judge what is not known.
    return null
  }
}

async function settingsOf(connection: Redis, { version, role, replicas }: ServerInfo): Promise<ServerSettings> {
  return {
    address: addressOf(connection),
    version,
    role,
    replicas,
    appendonly: await settingOf(connection, 'appendonly'),
    appendfsync: await settingOf(connection, 'appendfsync'),
    maxmemoryPolicy: await settingOf(connection, 'maxmemory-policy'),
  }
}

/** Where the connection leads to in the end, which with Sentinel only it knows. */
function addressOf(connection: Redis): string {
  const { remoteAddress = connection.options.host ?? '', remotePort = connection.options.port ?? 0 } = connection.stream as {
    readonly remoteAddress?: string
    readonly remotePort?: number
  }
  return `${remoteAddress}:${remotePort}`
}
