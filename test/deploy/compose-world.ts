import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '#test/harness/until.ts'
import { composeFile } from './compose-file.ts'
import type { ComposeService, Environment } from './compose-file.ts'
import type { Container, ContainerNetwork } from './container-network.ts'
import { dockerStages, environmentOf, listOf } from './dockerfile.ts'
import type { BuildStage } from './dockerfile.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const image = dockerStages().at(-1) as BuildStage
const preload = join(import.meta.dirname, 'container-network.ts')

/** Why containers cannot be stood for here; false when they can. */
export const withoutNetwork: string | false =
  process.platform === 'linux' ? false : 'only Linux listens on every address of the loopback network'

/** One container of a service: its exact command and environment, in a process of its own. */
export class ContainerProcess {
  readonly host: string
  readonly service: ComposeService
  /** What is mounted at `/data`. */
  readonly data: string
  readonly #container: Container
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  output = ''

  constructor(host: string, service: ComposeService, { folder, networkFile }: { readonly folder: string; readonly networkFile: string }) {
    this.host = host
    this.service = service
    this.data = join(folder, host)
    this.#container = { host, networkFile }
    mkdirSync(this.data, { recursive: true })
    this.#child = this.#run([...listOf(image, 'ENTRYPOINT'), ...service.command])
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes: Buffer) => void (this.output += bytes.toString()))
    this.#closed = once(this.#child, 'close')
  }

  get port(): string {
    return this.service.environment['PORT'] ?? ''
  }
  /** As other containers find it. */
  get url(): string {
    return `http://${this.host}:${this.port}`
  }

  /** What `docker stop` begins. Resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#closed
    return this.#child.exitCode
  }

  /** The command of its health check, run in the container. */
  async isHealthy(): Promise<boolean> {
    const [, ...command] = this.service.healthcheck?.test ?? []
    // The image has the program under this name.
    const child = this.#run(['node', '/app/bin/lockstep.js', ...command.slice(1)])
    await once(child, 'close')
    return child.exitCode === 0
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #run([program, ...args]: readonly string[]): ChildProcess {
    if (program !== 'node') throw new Error(`the image has no ${program}`)
    const command = args.map((word) => word.replace(/^\/app\//, `${root}/`))
    const env = {
      ...environmentOf(image),
      ...this.service.environment,
      LOCKSTEP_DATA: this.data,
      CONTAINER: JSON.stringify(this.#container),
    }
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', preload, ...command], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}

/** The containers of the compose file, as far as they are wanted, each as a process on this machine. */
export class ComposeWorld implements AsyncDisposable {
  readonly networkFile: string
  readonly containers: ContainerProcess[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'lockstep-compose-'))
  readonly #services: Readonly<Record<string, ComposeService>>
  readonly #hosts = new Map<string, string>()
  readonly #portOffset = 4_000 + (process.pid % 17) * 1_000
  #addresses = 0
  #redis: ChildProcess | null = null

  constructor(environment: Environment = {}) {
    this.#services = composeFile({ LOG_LEVEL: 'warn', ...environment }).services
    this.networkFile = join(this.#folder, 'network.json')
    this.#tell()
  }

  /** Starts Redis if these need it, then one container of each service. */
  async up(names: readonly string[]): Promise<void> {
    if (names.some((name) => 'redis' in this.#service(name).depends_on)) await this.#startRedis()
    for (const name of names) this.#start(name, this.#service(name))
    await this.ready()
  }

  /** Starts so many replicas of a service at once, in containers whose names are made up. */
  scale(name: string, count: number): readonly ContainerProcess[] {
    const service = this.#service(name)
    return Array.from({ length: count }, (_, at) => this.#start(`c0ffee${name.length}0${at}`, service))
  }

  /** All that run are ready. */
  async ready(withinMs = 120_000): Promise<void> {
    for (const { host, url } of this.containers)
      await until(`${host} is ready`, async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok, withinMs)
  }

  /** The container is gone, with its name. */
  drop(container: ContainerProcess): void {
    this.containers.splice(this.containers.indexOf(container), 1)
    this.#hosts.delete(container.host)
    this.#tell()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.containers.map((container) => container.kill()))
    if (this.#redis !== null) {
      const closed = once(this.#redis, 'close')
      this.#redis.kill('SIGKILL')
      await closed
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #start(host: string, service: ComposeService): ContainerProcess {
    this.#assign(host)
    const container = new ContainerProcess(host, service, { folder: this.#folder, networkFile: this.networkFile })
    this.containers.push(container)
    return container
  }

  /** Its exact command; where it listens is moved by more flags, as it is no program of Node.js. */
  async #startRedis(): Promise<void> {
    const address = this.#assign('redis')
    const { command } = this.#service('redis')
    const [program = '', ...args] = command
    const place = ['--bind', address, '--port', String(6_379 + this.#portOffset), '--dir', this.#folder, '--loglevel', 'warning']
    this.#redis = spawn(program, [...args, ...place], { stdio: 'ignore' })
    const ping = ['-h', address, '-p', String(6_379 + this.#portOffset), 'ping']
    const answers = async (): Promise<boolean> => (await run('redis-cli', ping)).stdout.startsWith('PONG')
    await until('Redis answers', answers)
  }

  #service(name: string): ComposeService {
    const service = this.#services[name]
    if (service === undefined) throw new Error(`there is no service ${name}`)
    return service
  }

  #assign(host: string): string {
    const address = `127.77.${process.pid % 250}.${++this.#addresses}`
    this.#hosts.set(host, address)
    this.#tell()
    return address
  }

  /** Whoever reads it meanwhile has the one before. */
  #tell(): void {
    const network: ContainerNetwork = { hosts: Object.fromEntries(this.#hosts), portOffset: this.#portOffset }
    const draft = `${this.networkFile}.draft`
    writeFileSync(draft, JSON.stringify(network))
    renameSync(draft, this.networkFile)
  }
}

/** Files that a node has left behind. */
export const leftBy = ({ data }: ContainerProcess): readonly string[] => readdirSync(data)
