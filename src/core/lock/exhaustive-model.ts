/**
 * Locks once more, for tests: small worlds, no graph, no shared code. Whether a request is a deadlock is found out by trying: every client that
 * waits for nothing may release any one of its locks at any time, and all orders of releases are searched. If somebody is left waiting in each of
 * them, that is a deadlock.
 */

/** 0 is none, 1 shared, 2 exclusive. */
type Level = 0 | 1 | 2

export interface ModelItem {
  readonly resource: number
  readonly level: 1 | 2
}

interface ModelWait {
  readonly client: number
  readonly items: readonly ModelItem[]
  readonly upgrade: boolean
}

interface World {
  /** By client, then by resource. */
  readonly holds: readonly (readonly Level[])[]
  /** In the order in which they came. */
  readonly waits: readonly ModelWait[]
}

export type ModelAnswer = 'granted' | 'queued' | 'deadlock'

export class ExhaustiveModel {
  #world: World
  /** Worlds that searches looked at. */
  searched = 0

  constructor(clients: number, resources: number) {
    this.#world = { holds: Array.from({ length: clients }, () => Array.from({ length: resources }, (): Level => 0)), waits: [] }
  }

  levelOf(client: number, resource: number): Level {
    return this.#world.holds[client]?.[resource] ?? 0
  }

  isWaiting(client: number, resource: number): boolean {
    return this.#world.waits.some((wait) => wait.client === client && wait.items.some((item) => item.resource === resource))
  }

  hasWaits(client: number): boolean {
    return this.#world.waits.some((wait) => wait.client === client)
  }

  request(client: number, items: readonly ModelItem[]): ModelAnswer {
    const upgrade = items.some(({ resource }) => this.levelOf(client, resource) > 0)
    const wait: ModelWait = { client, items, upgrade }
    const world = grantAll({ ...this.#world, waits: [...this.#world.waits, wait] })
    if (!this.#canAllFinish(world)) return 'deadlock'
    this.#world = world
    return world.waits.includes(wait) ? 'queued' : 'granted'
  }

  /** An upgrade that builds on the lock is given up with it. */
  release(client: number, resource: number): void {
    const waits = this.#world.waits.filter((wait) => !(wait.upgrade && wait.client === client && wait.items[0]?.resource === resource))
    this.#world = grantAll({ waits, holds: withLevel(this.#world, client, { resource, level: 0 }) })
  }

  giveUp(client: number, resource: number): void {
    const isIt = (wait: ModelWait): boolean => wait.client === client && wait.items.some((item) => item.resource === resource)
    this.#world = grantAll({ ...this.#world, waits: this.#world.waits.filter((wait) => !isIt(wait)) })
  }

  /** Some order of releases lets everybody get what they wait for. */
  #canAllFinish(from: World): boolean {
    const seen = new Set<string>()
    const open = [from]
    for (let world = open.pop(); world !== undefined; world = open.pop()) {
      const key = keyOf(world)
      if (seen.has(key)) continue
      seen.add(key)
      this.searched++
      if (world.waits.length === 0) return true
      open.push(...afterOneRelease(world))
    }
    return false
  }
}

const keyOf = ({ holds, waits }: World): string =>
  `${holds.join(';')}|${waits.map(({ client, items }) => `${client}:${items.map(({ resource }) => resource).join(',')}`).join(';')}`

function afterOneRelease(world: World): World[] {
  return world.holds.flatMap((levels, client) => {
    if (world.waits.some((wait) => wait.client === client)) return []
    return levels.flatMap((level, resource) =>
      level === 0 ? [] : [grantAll({ ...world, holds: withLevel(world, client, { resource, level: 0 }) })],
    )
  })
}

function grantAll(world: World): World {
  const wait = world.waits.find((each) => isFree(world, each))
  if (wait === undefined) return world
  let { holds } = world
  for (const item of wait.items) holds = withLevel({ ...world, holds }, wait.client, item)
  return grantAll({ holds, waits: world.waits.filter((each) => each !== wait) })
}

function isFree(world: World, wait: ModelWait): boolean {
  return wait.items.every(
    ({ resource, level }) =>
      !world.waits.some((other) => isAhead(world, other, wait) && other.items.some((item) => item.resource === resource)) &&
      world.holds.every((levels, client) => client === wait.client || (levels[resource] ?? 0) + level <= 2),
  )
}

function isAhead(world: World, other: ModelWait, wait: ModelWait): boolean {
  if (other === wait) return false
  if (other.upgrade !== wait.upgrade) return other.upgrade
  return world.waits.indexOf(other) < world.waits.indexOf(wait)
}

function withLevel(
  { holds }: World,
  client: number,
  { resource, level }: { readonly resource: number; readonly level: Level },
): World['holds'] {
  return holds.map((levels, at) => (at === client ? levels.map((old, index) => (index === resource ? level : old)) : levels))
}
