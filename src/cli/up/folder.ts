import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { LocalNode } from './local-nodes.ts'

interface Note {
  /** Of all nodes that there ever were in the folder. */
  readonly addresses: readonly string[]
  /** Of those that formed the clusters of their services; others have joined since. */
  readonly founders: readonly string[]
}

/**
 * Makes the folder ready for these nodes: empty stores if it shall begin anew. Nodes know each other by their addresses, so stores that
 * were made under others are refused; there may be more of them, or fewer, than last time. The result is those that formed their clusters.
 */
export function prepareFolder(folder: string, nodes: readonly LocalNode[], { fresh }: { readonly fresh: boolean }): readonly LocalNode[] {
  const path = join(folder, 'up.json')
  const addresses = nodes.map(({ address }) => address)
  mkdirSync(folder, { recursive: true })
  if (fresh) for (const { data } of nodes) rmSync(data, { recursive: true, force: true })
  const known = fresh ? null : readNote(path)
  if (known !== null && !isPart(known.addresses, addresses) && !isPart(addresses, known.addresses)) {
    const fix = 'use the same --port-offset, another --data, or --fresh to begin anew'
    throw new CommandError(exitCodes.storage, `the nodes in ${folder} are those of ${known.addresses.join(', ')}: ${fix}`)
  }
  const founders = foundersOf(nodes, known?.founders ?? [])
  const note: Note = {
    addresses: [...new Set([...(known?.addresses ?? []), ...addresses])],
    founders: [...new Set([...(known?.founders ?? []), ...founders.map(({ address }) => address)])],
  }
  writeFileSync(path, `${JSON.stringify(note)}\n`)
  return founders
}

/** A service that is there for the first time is formed by all of its nodes. */
function foundersOf(nodes: readonly LocalNode[], known: readonly string[]): readonly LocalNode[] {
  const hasBegun = new Set(nodes.filter(({ address }) => known.includes(address)).map(({ service }) => service))
  return nodes.filter(({ service, address }) => !hasBegun.has(service) || known.includes(address))
}

const isPart = (some: readonly string[], all: readonly string[]): boolean => some.every((each) => all.includes(each))

function readNote(path: string): Note | null {
  try {
    const { addresses, founders = addresses } = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly addresses?: unknown
      readonly founders?: unknown
    }
    return Array.isArray(addresses) && Array.isArray(founders) ? { addresses: addresses.map(String), founders: founders.map(String) } : null
  } catch {
    // The first time, or it was damaged: the stores know better.
    return null
  }
}
