import type { HttpRequest } from '#cli/service/route-request.ts'

/** The request as a line for a shell. */
export function curlOf(url: string, { method, path, body }: HttpRequest): string {
  const how = method === 'GET' || (method === 'POST' && body !== null) ? '' : ` -X ${method}`
  const sent = body === null ? '' : ` -H 'content-type: application/json' -d ${quoted(body)}`
  return `curl${how} ${/[^\w:/.%-]/.test(path) ? quoted(url + path) : url + path}${sent}`
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
