/** What is used of redlock, whose own types its package does not export to modules. */
declare module 'redlock' {
  import type { EventEmitter } from 'node:events'
  import type { Redis } from 'ioredis'

  export class ResourceLockedError extends Error {}
  export class ExecutionError extends Error {}
  class Redlock extends EventEmitter {
    constructor(servers: Iterable<Redis>, settings: { readonly retryCount: number })
    acquire(resources: string[], durationMs: number): Promise<{ release(): Promise<unknown> }>
  }
  export { Redlock as default }
}
