import { readFileSync } from 'node:fs'

/** Bytes of memory that belong to a process alone; what it has mapped of files is not among them. */
export function anonymousBytes(pid: number): number {
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kibibytes === undefined) throw new Error('this system does not tell anonymous memory apart')
  return Number(kibibytes) * 1024
}
