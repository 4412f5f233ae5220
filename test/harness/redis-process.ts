import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { until } from './until.ts'

const program = 'redis-server'

/** Why tests with a real Redis cannot run here; false when they can. */
export const withoutRedis: string | false =
  spawnSync(program, ['--version']).status === 0 ? false : 'there is no redis-server on PATH: apt-get install redis-server'

/** A Redis server of this test alone, which keeps everything unless told otherwise. */
export class RedisProcess {
  /** Keeps everything. */
  static readonly durable: readonly string[] = ['--appendonly', 'yes', '--appendfsync', 'always']
  /** A replica that joins is not kept waiting for others. */
  static readonly #prompt: readonly string[] = ['--repl-diskless-sync-delay', '0']
  readonly port: number
  readonly #folder: string
  readonly #args: readonly string[]
  #child: ChildProcess | null = null

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
    this.#folder = mkdtempSync(join(tmpdir(), 'lockstep-redis-'))
  }

  static async start(args: readonly string[] = RedisProcess.durable): Promise<RedisProcess> {
    const [port = 0] = await freePorts(1)
    const redis = new RedisProcess(port, args)
    await redis.run()
    return redis
  }

  /** One Sentinel that decides alone, soon. */
  static async sentinel(name: string, masterPort: number): Promise<RedisProcess> {
    const [port = 0] = await freePorts(1)
    const sentinel = new RedisProcess(port, [])
    const file = join(sentinel.#folder, 'sentinel.conf')
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${sentinel.#folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
      `sentinel down-after-milliseconds ${name} 2000`,
      `sentinel failover-timeout ${name} 5000`,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    await sentinel.#spawn([file, '--sentinel'])
    // It asks more often than in earnest, and a turn that came late does not keep it from acting for half a minute.
    const answer = await sentinel.ask('SENTINEL DEBUG INFO-PERIOD 1000 PUBLISH-PERIOD 500 TILT-PERIOD 2000 MIN-LINK-RECONNECT-PERIOD 2000')
    if (answer !== '+OK') throw new Error(`Sentinel does not take these periods: ${answer}`)
    return sentinel
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, also again on what it has kept. */
  async run(): Promise<void> {
    const where = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#folder,
      '--save',
      '',
      '--loglevel',
      'warning',
      ...RedisProcess.#prompt,
    ]
    await this.#spawn([...where, ...this.#args])
  }

  async #spawn(args: readonly string[]): Promise<void> {
    this.#child = spawn(program, args, { stdio: 'ignore' })
    await until('Redis answers', async () => (await this.ask('PING')) === '+PONG')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  /** Ends without a last write of its own. */
  async shutDown(): Promise<void> {
    const child = this.#child
    this.#child = null
    const exited = child === null ? null : once(child, 'exit')
    await this.ask('SHUTDOWN NOSAVE').catch(() => '')
    await exited
  }

  /** The answer to a command of plain words, as it comes. */
  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1')
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the connection was closed')))
      socket.once('data', (data) => {
        resolve(data.toString().trim())
        socket.destroy()
      })
      socket.write(`${command}\r\n`)
    })
  }

  info(): Promise<string> {
    return this.ask('INFO')
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
