import { yamlOf } from './yaml-files.ts'

export type Environment = Readonly<Record<string, string>>

export interface ComposeService {
  readonly image: string
  readonly build?: string
  readonly container_name?: string
  readonly hostname?: string
  readonly user?: string
  readonly command: readonly string[]
  readonly environment: Environment
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly tmpfs: readonly string[]
  readonly depends_on: Readonly<Record<string, { readonly condition: string }>>
  readonly profiles: readonly string[]
  readonly deploy?: { readonly replicas: number }
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
}

export interface ComposeFile {
  readonly name: string
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** `$NAME`, `${NAME}` and `${NAME:-default}` in all texts, as compose replaces them; `$$` is a dollar. */
export function interpolated(value: unknown, environment: Environment): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(
      /\$(?:\$|\{(\w+)(?::-([^}]*))?\}|(\w+))/g,
      (whole: string, braced?: string, fallback?: string, plain?: string) => {
        if (whole === '$$') return '$'
        const said = environment[braced ?? plain ?? ''] ?? ''
        return said === '' ? (fallback ?? '') : said
      },
    )
  }
  if (Array.isArray(value)) return value.map((item) => interpolated(item, environment))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolated(item, environment)]))
}

/** `docker-compose.yaml` as compose sees it under that environment. */
export const rawCompose = (environment: Environment = {}): object => interpolated(yamlOf('docker-compose.yaml'), environment) as object

/** The same with what is left out filled in, and all variables as texts, which is how a container gets them. */
export function composeFile(environment: Environment = {}): ComposeFile {
  const raw = rawCompose(environment) as Omit<ComposeFile, 'services'> & { readonly services: Readonly<Record<string, Written>> }
  const services = Object.entries(raw.services).map(([name, service]) => [name, wholeOf(service)] as const)
  return { ...raw, services: Object.fromEntries(services) }
}

/** YAML reads a port as a number. */
type Written = Partial<Omit<ComposeService, 'environment'>> & { readonly environment?: Readonly<Record<string, unknown>> }

function wholeOf(service: Written): ComposeService {
  const { image = '', command = [], ports = [], volumes = [], tmpfs = [], profiles = [], depends_on = {}, environment = {} } = service
  const texts = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]))
  return { ...service, image, command, ports, volumes, tmpfs, profiles, depends_on, environment: texts }
}

/** What a node of the image serves: the names of the nine, and of the scaled services. */
export const nodeServices = {
  lock: { nodes: ['lock-node-1', 'lock-node-2', 'lock-node-3'], scaled: 'lock-manager', firstPort: 8001 },
  queue: { nodes: ['queue-node-1', 'queue-node-2', 'queue-node-3'], scaled: 'queue-node', firstPort: 9001 },
  cache: { nodes: ['cache-node-1', 'cache-node-2', 'cache-node-3'], scaled: 'cache-node', firstPort: 7001 },
} as const
