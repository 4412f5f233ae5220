/**
 * The secret in a header `authorization`: `Bearer SECRET`, or what a browser sends that has asked for it, `Basic` and any name with the secret as password. Null
 * when there is none.
 */
export function secretOf(header: string | undefined, { basic }: { readonly basic: boolean }): string | null {
  const [, scheme = '', value = ''] = /^(bearer|basic) +([\w.~+/=-]+) *$/i.exec(header ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return value
  if (!basic || value === '') return null
  const password = /^[^:]*:(.+)$/s.exec(Buffer.from(value, 'base64').toString())
  return password?.[1] ?? null
}

/** True for what a program sends on purpose: a browser sends the other kind by itself, whoever's page asks for it. */
export const isBearer = (header: string | undefined): boolean => header !== undefined && /^bearer /i.test(header)
