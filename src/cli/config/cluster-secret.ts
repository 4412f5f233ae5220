import { readFileSync } from 'node:fs'
import { isLoopback } from '#base/loopback.ts'

interface Said {
  readonly secret: string | undefined
  readonly file: string | undefined
  /** Where that file was said. */
  readonly origin: string
}

/** What the nodes of a cluster prove to each other; null for none. What is wrong is added to `mistakes`, and never what the secret is. */
export function clusterSecret({ secret, file, origin }: Said, mistakes: string[]): string | null {
  if (secret !== undefined && file !== undefined) mistakes.push('--secret and --secret-file both say what the secret is: one of them')
  if (file === undefined) return secret ?? null
  try {
    // Editors end a file with a line break that nobody means.
    const content = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (content === '') mistakes.push(`${origin}: ${file} is empty`)
    return content
  } catch (error) {
    mistakes.push(`${origin}: ${file} cannot be read: ${(error as Error).message}`)
    return null
  }
}

interface Binding {
  readonly listen: string
  readonly hasSecret: boolean
  /** The operator wants it so. */
  readonly insecure: boolean
}

/** Who reaches the port of a node without a secret can join its cluster, so only this machine may. Null when all is well. */
export function bindingMistake({ listen, hasSecret, insecure }: Binding): string | null {
  const host = /^(.+):\d+$/.exec(listen)?.[1] ?? null
  if (host === null || isLoopback(host) || hasSecret || insecure) return null
  const fix = 'give all nodes of the cluster one secret with LOCKSTEP_SECRET or --secret-file, or say --insecure'
  return `--listen ${listen} lets other machines in, and there is no cluster secret: ${fix}`
}
