import { randomUUID } from 'node:crypto'
import type { RequestOf, Route } from '#api/route.ts'

/** One request as it goes to any node. */
export interface HttpRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** JSON; null for none. */
  readonly body: string | null
  /** Of the answers that are no errors. */
  readonly statuses: readonly number[]
}

/** Spreads a request over path, query and body, as the route says. */
export function httpRequestOf<R extends Route>({ method, path, params, query, body, answers }: R, request: RequestOf<R>): HttpRequest {
  const fields = request as Readonly<Record<string, unknown>>
  const pick = ({ properties }: { readonly properties: object }): readonly (readonly [string, unknown])[] =>
    Object.keys(properties).flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]]))
  const filled = pick(params).reduce((text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(String(value))), path)
  const search = new URLSearchParams(pick(query).map(([name, value]): [string, string] => [name, String(value)])).toString()
  const sent = pick(body)
  const hasBody = Object.keys(body.properties).length > 0
  return {
    method,
    path: search === '' ? filled : `${filled}?${search}`,
    body: hasBody ? jsonOf(Object.fromEntries(sent)) : null,
    statuses: answers.map(({ status }) => status),
  }
}

/** JSON that is there as bytes already goes as it is. */
function jsonOf(value: object): string {
  const mark = randomUUID()
  const raw: string[] = []
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? `${mark}${raw.push(new TextDecoder().decode(each)) - 1}` : each,
  )
  return raw.length === 0 ? text : text.replaceAll(new RegExp(`"${mark}(\\d+)"`, 'g'), (_, at: string) => raw[Number(at)] ?? '')
}
