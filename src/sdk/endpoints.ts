import type { Address } from '#ports/transport.ts'
import type { Place } from '#wire/client-message.ts'
import { invalid } from './options.ts'

/** Whether these are `https` URLs, as either all of them are or none. */
export function areSecure(urls: readonly string[], service: string): boolean {
  const secure = urls.filter((url) => url.startsWith('https://'))
  if (secure.length > 0 && secure.length < urls.length) throw invalid(service, 'https URLs or others, and not both')
  return secure.length > 0
}

/** `http://host:port`, `https://host:port`, or `host:port`. */
function addressOf(url: string, service: string): Address {
  const match = /^(?:https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[^:[\]/\s@]+):(\d{1,5})\/?$/.exec(url)
  const [, host, port] = match ?? []
  if (host === undefined || port === undefined || !(Number(port) > 0 && Number(port) < 65_536)) {
    throw invalid(service, `URLs such as http://127.0.0.1:8001, not ${JSON.stringify(url)}`)
  }
  return `${host}:${port}`
}

/** Where nodes may be reached: what the user named, and what nodes said since. */
export class Endpoints {
  readonly #named: readonly Address[]
  #members: readonly Place[] = []

  /** `service` is how the caller names it. */
  constructor(urls: readonly string[], service: string) {
    this.#named = [...new Set(urls.map((url) => addressOf(url, service)))]
    if (this.#named.length === 0) throw invalid(service, 'one URL or several')
  }

  learn(members: readonly Place[]): void {
    if (members.length > 0) this.#members = members
  }

  /** A node that may have joined since. */
  add(place: Place): void {
    this.#members = [...this.#members.filter(({ node }) => node !== place.node), place]
  }

  addressOf(node: string | null): Address | null {
    return this.#members.find((member) => member.node === node)?.address ?? null
  }

  /** What the user named first: it is known to be reachable from here. */
  all(): readonly Address[] {
    return [...new Set([...this.#named, ...this.#members.map(({ address }) => address)])]
  }
}
