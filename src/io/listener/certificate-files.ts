import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { err } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { certificatesOf } from './certificates.ts'
import type { Certificates, Pem, TlsFiles } from './certificates.ts'

/** Before a node starts. */
export function loadCertificates({ cert, key, ca }: TlsFiles): Result<Certificates, string> {
  try {
    return certificatesOf({ cert: readFileSync(cert), key: readFileSync(key), ca: ca === null ? null : readFileSync(ca) })
  } catch (error) {
    return err(unreadable(error))
  }
}

/** While it runs: rejects with what `unreadable` tells. */
export async function readPem({ cert, key, ca }: TlsFiles): Promise<Pem> {
  const [certBytes, keyBytes, caBytes] = await Promise.all([readFile(cert), readFile(key), ca === null ? null : readFile(ca)])
  return { cert: certBytes, key: keyBytes, ca: caBytes }
}

export const unreadable = (error: unknown): string => `a file with certificates cannot be read: ${(error as Error).message}`
