import { readFileSync } from 'node:fs'
import { usageError } from '#cli/command-error.ts'
import { variableOf } from '#cli/flags/flag.ts'
import type { Flag, Given, ValuesOf } from '#cli/flags/flag.ts'
import { text } from '#cli/flags/kinds.ts'

/** How a command makes sure of nodes with `https` URLs, and they of it; in PEM. */
export interface Trust {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  /** Whoever answers is believed. */
  readonly rejectUnauthorized?: false
}

/** A file, named by the flag or by its variable. */
function file(name: string, description: string): Flag<string | undefined> {
  const flag = text('FILE', `${description}; ${variableOf(name)}`)
  return {
    ...flag,
    read(given: Given, mistakes: string[]) {
      const said = process.env[variableOf(name)] ?? ''
      return flag.read(given, mistakes) ?? (said === '' ? undefined : said)
    },
  }
}

export const trustFlags = {
  ca: file('ca', 'the CA of nodes with https URLs, in PEM, if not one that Node.js knows'),
  cert: file('cert', 'the certificate to show them, in PEM'),
  'cert-key': file('cert-key', 'the key of that certificate, in PEM'),
} as const

/** Throws what is wrong with the files as a mistake in flags. */
export function trustOf({ ca, cert, 'cert-key': key }: Partial<ValuesOf<typeof trustFlags>>): Trust {
  if ((cert === undefined) !== (key === undefined)) throw usageError(null, ['--cert and --cert-key belong together'])
  return {
    ...(ca === undefined ? {} : { ca: content('--ca', ca) }),
    ...(cert === undefined ? {} : { cert: content('--cert', cert) }),
    ...(key === undefined ? {} : { key: content('--cert-key', key) }),
  }
}

function content(flag: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw usageError(null, [`${flag} ${path} cannot be read: ${(error as Error).message}`])
  }
}
