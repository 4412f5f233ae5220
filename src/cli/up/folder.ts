import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { LocalNode } from './local-nodes.ts'

/**
 * Makes the folder ready for these nodes: empty stores if it shall begin anew. Nodes know each other by their addresses, so stores that
 * were made under others are refused; there may be more of them, or fewer, than last time.
 */
export function prepareFolder(folder: string, nodes: readonly LocalNode[], { fresh }: { readonly fresh: boolean }): void {
  const note = join(folder, 'up.json')
  const addresses = nodes.map(({ address }) => address)
  mkdirSync(folder, { recursive: true })
  if (fresh) for (const { data } of nodes) rmSync(data, { recursive: true, force: true })
  const known = fresh ? null : readNote(note)
  if (known !== null && !isPart(known, addresses) && !isPart(addresses, known)) {
    const fix = 'use the same --port-offset, another --data, or --fresh to begin anew'
    throw new CommandError(exitCodes.storage, `the nodes in ${folder} are those of ${known.join(', ')}: ${fix}`)
  }
  writeFileSync(note, `${JSON.stringify({ addresses: [...new Set([...(known ?? []), ...addresses])] })}\n`)
}

const isPart = (some: readonly string[], all: readonly string[]): boolean => some.every((each) => all.includes(each))

function readNote(path: string): readonly string[] | null {
  try {
    const { addresses } = JSON.parse(readFileSync(path, 'utf8')) as { readonly addresses?: unknown }
    return Array.isArray(addresses) ? addresses.map(String) : null
  } catch {
    // The first time, or it was damaged: the stores know better.
    return null
  }
}
