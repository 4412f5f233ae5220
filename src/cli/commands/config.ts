import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command, Origins } from '#cli/command.ts'
import { layersOfNode, nodeFlags, optionsOf } from '#cli/config/node-settings.ts'
import type { Judges } from '#cli/config/node-settings.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { ValuesOf } from '#cli/flags/flag.ts'
import { toggle } from '#cli/flags/kinds.ts'
import { tableOf } from '#cli/output/table.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import type { NodeOptions } from '#composition/node-options.ts'

const help = `Takes what 'lockstep node' takes, and starts nothing. Where several say the same, flags win over the environment, that over the file of --config, and that
over the defaults. Each flag has a variable, LOCKSTEP_ and its name, as in LOCKSTEP_LOG_LEVEL; NODE_ID, LISTEN, PORT, PEERS, REDIS_HOST, REDIS_PORT, LOG_LEVEL,
ELECTION_TIMEOUT_MIN, ELECTION_TIMEOUT_MAX, HEARTBEAT_INTERVAL and CACHE_CAPACITY do too.

Examples:
  PORT=8001 NODE_ID=lock-node-1 PEERS=lock-node-2:8001 lockstep config
  lockstep config --config lock.json --json

Exit codes: 0 a node would start with these, 2 something is wrong, and all of it is told`

const flags = { ...nodeFlags, json: toggle('print JSON, for programs') } as const
type Values = ValuesOf<typeof flags>

/** `json` is a flag of this command and no setting. */
const names = Object.keys(nodeFlags) as readonly (keyof typeof nodeFlags)[]

interface Setting {
  readonly value: string | number | boolean | readonly string[] | null
  /** Where it was said. */
  readonly origin: string
}

export const configCommand = (judges: Judges): Command =>
  defineCommand({
    name: 'config',
    summary: 'show what a node would run with, and where that was said',
    operands: '',
    help,
    flags,
    layers: layersOfNode(process.env),
    read(values, operands, mistakes, origins) {
      noOperands(operands, mistakes)
      const options = optionsOf(values, { ...judges, origins, mistakes })
      return { json: values.json, settings: settingsOf(values, options, origins) }
    },
    run({ json, settings }) {
      if (json) printJson(Object.fromEntries(settings))
      else {
        const rows = [...settings].map(([name, { value, origin }]) => [name, textOf(value), origin])
        screen.print(tableOf(['SETTING', 'VALUE', 'FROM'], rows, screen))
      }
      return Promise.resolve(exitCodes.done)
    },
  })

/** What is effective, also where a default follows from other settings. */
function settingsOf(values: Values, options: NodeOptions, origins: Origins): ReadonlyMap<string, Setting> {
  const effective: Partial<Record<keyof typeof nodeFlags, Setting['value'] | undefined>> = {
    advertise: options.address,
    join: options.voters,
    seeds: options.seeds,
    data: options.data,
    slots: options.slots,
    engine: options.redis === null ? 'embedded' : 'redis',
    'redis-name': options.redis?.name,
    'redis-replicas': options.redis?.replicas,
    'connections-per-address': options.access.connectionsPerAddress,
    'cache-lines': options.linesMax ?? 'as many as usual',
    'cache-memory': options.valueBytesMax === null ? 'as much as usual' : values['cache-memory'],
  }
  return new Map(
    names.map((name) => {
      const value = isSecret(name) && values[name] !== undefined ? '(set)' : (effective[name] ?? values[name] ?? null)
      return [name, { value, origin: origins.get(name) ?? 'default' }] as const
    }),
  )
}

/** A URL may hold a password, and where tokens are is nobody's business. */
const isSecret = (name: string): boolean => name === 'secret' || name === 'redis-url' || name === 'tokens'

const textOf = (value: Setting['value']): string => {
  if (typeof value === 'object') return value === null || value.length === 0 ? '-' : value.join(',')
  return String(value)
}
