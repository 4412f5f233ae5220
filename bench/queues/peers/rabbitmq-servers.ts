import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from 'amqplib'
import { ServerProcesses } from '#bench/contest/server-processes.ts'
import { quorumQueue } from '#bench/queues/clients/rabbitmq.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { until } from '#test/harness/until.ts'

/** Not the scripts of the same names on the path, which change to a user and a folder of the system. */
const programs = '/usr/lib/rabbitmq/bin'
const count = 3
/** Three virtual machines begin at once, on a machine that may be busy. */
const startMs = 120_000
const probe = 'settings'
const run = promisify(execFile)

const nodeName = (at: number): string => `rabbit-${at}@localhost`

/** Three RabbitMQ nodes that are one cluster, with a name server and a cookie of their own. */
export class RabbitmqServers implements AsyncDisposable {
  readonly #processes = new ServerProcesses()
  readonly #pids: number[] = []
  #env: Readonly<Record<string, string>> = {}
  #addresses: readonly string[] = []

  static readonly command = `${programs}/rabbitmq-server`

  /** Of the nodes. */
  get pids(): readonly number[] {
    return this.#pids
  }
  /** That of the node that leads the queues which are made through it comes first. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  async start(): Promise<void> {
    const { folder } = this.#processes
    const ports = await freePorts(1 + 2 * count)
    const [names, ...rest] = ports.map(String)
    const clientPorts = rest.slice(0, count)
    this.#addresses = clientPorts.map((port) => `127.0.0.1:${port}`)
    writeFileSync(join(folder, '.erlang.cookie'), randomBytes(12).toString('hex'), { mode: 0o400 })
    const members = Array.from({ length: count }, (_, at) => `cluster_formation.classic_config.nodes.${at + 1} = ${nodeName(at)}`)
    const configuration = join(folder, 'rabbitmq.conf')
    writeFileSync(configuration, ['cluster_formation.peer_discovery_backend = classic_config', ...members, ''].join('\n'))
    writeFileSync(join(folder, 'plugins'), '[].\n')
    this.#env = { HOME: folder, ERL_EPMD_PORT: names ?? '', ERL_EPMD_ADDRESS: '127.0.0.1' }
    this.#processes.start('epmd', ['-port', names ?? '', '-address', '127.0.0.1'])
    for (const [at, port] of clientPorts.entries()) {
      const data = join(folder, `rabbit-${at}`)
      mkdirSync(data)
      const env = {
        ...this.#env,
        RABBITMQ_NODENAME: nodeName(at),
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: port,
        RABBITMQ_DIST_PORT: rest[count + at] ?? '',
        RABBITMQ_MNESIA_BASE: data,
        RABBITMQ_LOG_BASE: data,
        RABBITMQ_LOGS: '-',
        RABBITMQ_CONF_ENV_FILE: '/dev/null',
        RABBITMQ_CONFIG_FILE: configuration,
        RABBITMQ_GENERATED_CONFIG_DIR: data,
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
        // The script becomes the server then, instead of staying as its parent.
        RUNNING_UNDER_SYSTEMD: 'true',
      }
      const pid = this.#processes.start(RabbitmqServers.command, [], env)
      if (pid !== undefined) this.#pids.push(pid)
    }
    try {
      await until('RabbitMQ is one cluster', () => this.#isCluster(), startMs)
      await until('RabbitMQ makes a queue', () => this.#makeProbe(), startMs)
    } catch (cause) {
      throw new Error(`RabbitMQ does not start: ${this.#processes.lastWords}`, { cause })
    }
  }

  /** What it says of itself, for the record. Throws when a queue is no quorum queue on all nodes, or its log is not synced. */
  async settings(): Promise<string> {
    const listed = await this.#ask('list_queues', '--formatter', 'json', '--quiet', 'name', 'type', 'members')
    const queues = JSON.parse(listed) as readonly Listed[]
    const wrong = queues.filter(({ type, members }) => type !== 'quorum' || members.length !== count)
    if (queues.length === 0 || wrong.length > 0) throw new Error(`RabbitMQ keeps its queues other than asked for: ${listed}`)
    const log = await this.#ask('eval', logState)
    const [, version, sync, strategy, batches] = /"(\S+) (\S+) (\S+) (\d+)"/.exec(log) ?? []
    if (sync !== 'datasync' || strategy !== 'default') throw new Error(`RabbitMQ does not sync its log before it confirms: ${log}`)
    const kept = `quorum queues of ${queues[0]?.members.length} members`
    return `RabbitMQ ${version} × ${this.#pids.length}: ${kept}, fsync of the log before each answer (${sync}, ${batches} batches on the first node so far)`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#processes[Symbol.asyncDispose]()
  }

  async #isCluster(): Promise<boolean> {
    return (await this.#ask('eval', 'length(rabbit_nodes:all_running()).')).trim() === String(count)
  }

  /** A queue like those that are measured, which stays. */
  async #makeProbe(): Promise<boolean> {
    const connection = await connect(`amqp://${this.#addresses[0]}`)
    try {
      await (await connection.createChannel()).assertQueue(probe, quorumQueue)
      return true
    } finally {
      await connection.close()
    }
  }

  async #ask(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, ...this.#env }
    return (await run(`${programs}/rabbitmqctl`, ['-n', nodeName(0), ...args], { env })).stdout
  }
}

interface Listed {
  readonly name: string
  readonly type: string
  readonly members: readonly string[]
}

/** Version, how the log of quorum queues is synced and written, and in how many batches so far: one text. */
const logState = `
  #{wal_sync_method := Sync, wal_write_strategy := Strategy} = ra_system:fetch(quorum_queues),
  #{ra_log_wal := #{batches := Batches}} = ra_counters:overview(),
  lists:flatten(io_lib:format("~s ~s ~s ~b", [rabbit_misc:version(), Sync, Strategy, Batches])).`
