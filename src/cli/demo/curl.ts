import type { ValuesOf } from '#cli/flags/flag.ts'
import type { HttpRequest } from '#cli/service/route-request.ts'
import type { trustFlags } from '#cli/service/trust.ts'

/** The request as a line for a shell; `flags` is what all calls have in common. */
export function curlOf(url: string, { method, path, body }: HttpRequest, flags = ''): string {
  const how = method === 'GET' || (method === 'POST' && body !== null) ? '' : ` -X ${method}`
  const sent = body === null ? '' : ` -H 'content-type: application/json' -d ${quoted(body)}`
  return `curl${flags}${how} ${/[^\w:/.%-]/.test(path) ? quoted(url + path) : url + path}${sent}`
}

/** How nodes are reached that ask for a token, or that speak HTTPS. The token stays in the environment. */
export function curlFlagsOf(hasToken: boolean, { ca, cert, 'cert-key': key }: Partial<ValuesOf<typeof trustFlags>>): string {
  const files = [
    ['--cacert', ca],
    ['--cert', cert],
    ['--key', key],
  ].flatMap(([flag, path]) => (path === undefined ? [] : [` ${flag} ${quoted(path)}`]))
  return `${files.join('')}${hasToken ? ' -H "authorization: Bearer $LOCKSTEP_TOKEN"' : ''}`
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
