import type { ConsoleConfig } from '#api/common/console.ts'
import type { Heard } from '#console/seen.ts'
import { emptyWorld, seen } from '#console/seen.ts'
import { sourceOf } from '#console/sources.ts'
import type { ServiceName, World } from '#console/world.ts'
import { serviceNames } from '#console/world.ts'

/** All that is drawn. */
export interface Scene {
  readonly world: World
  readonly config: ConsoleConfig
  /** The node that this page came from. */
  readonly servedBy: string
  readonly sources: Readonly<Record<ServiceName, string | null>>
  readonly paused: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Holds the scene, and has it drawn at most once per frame of the screen. */
export class Store {
  #scene: Scene
  #drawing = false
  readonly #draw: (scene: Scene) => void

  constructor(config: ConsoleConfig, draw: (scene: Scene) => void) {
    this.#scene = {
      world: emptyWorld(config.nodes),
      config,
      servedBy: location.host,
      sources: { lock: null, queue: null, cache: null },
      paused: false,
      now: Date.now(),
    }
    this.#draw = draw
    setInterval(() => this.#change({ now: Date.now() }), 1_000)
  }

  get scene(): Scene {
    return this.#scene
  }

  heard(heard: Heard): void {
    const world = seen(this.#scene.world, heard)
    const sources = { ...this.#scene.sources }
    for (const service of serviceNames) sources[service] = sourceOf(world.nodes, service, sources[service])
    this.#change({ world, sources })
  }

  pause(paused: boolean): void {
    this.#change({ paused })
  }

  #change(change: Partial<Scene>): void {
    this.#scene = { ...this.#scene, ...change }
    if (this.#drawing) return
    this.#drawing = true
    const draw = (): void => {
      this.#drawing = false
      this.#draw(this.#scene)
    }
    // A hidden page has no frames.
    if (document.hidden) setTimeout(draw, 1_000)
    else requestAnimationFrame(draw)
  }
}
