import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'

/**
 * Who may call a node out of a browser.
 *
 * A page of a stranger, open in the browser of somebody who can reach this node, can send requests to it. It could release locks (a request
 * forged across sites), and it could even read, once the name of its own site has come to mean the address of this node (DNS rebinding). So:
 *
 * 1. A browser says which page a request comes from: `Origin`. It must be one that a node serves: of this node itself, or of a console that
 *    this node was told of. Where `Origin` is left out, `Sec-Fetch-Site` says that the page is of another site; only a link to a page for
 *    people may be followed from there.
 * 2. The name by which this node is called must be one of its own, as an address cannot be rebound, and a name can. A node that listens on
 *    its own machine only has no other names, so there it is asked of every request; elsewhere a node may have names that it does not know, so
 *    there it is asked of those with an `Origin`, which all that change something have.
 *
 * Programs that are no browser send neither header, and are not concerned.
 */
export interface CallerRules {
  /** `host:port` of the nodes whose consoles may call this one, itself included. */
  readonly consoles: () => ReadonlySet<string>
  /** It listens on its own machine only. */
  readonly isLocal: boolean
}

export interface CallerHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly site: string | undefined
  readonly mode: string | undefined
}

export type Verdict =
  /** `origin` is to be told that it may read the answer; null where nobody needs to be told. */
  { readonly type: 'welcome'; readonly origin: string | null } | { readonly type: 'refused'; readonly fault: Fault }

/** Cheap for what comes from no browser: most requests. */
export function judgeCaller({ host = '', origin, site, mode }: CallerHeaders, isPage: boolean, rules: CallerRules): Verdict {
  const isNamed = origin !== undefined || (rules.isLocal && host !== '')
  if (isNamed && !isOwnName(host, rules.consoles)) return { type: 'refused', fault: unknownHost(host) }
  if (origin !== undefined) return judgeOrigin(origin, host, rules)
  const isForeign = site === 'cross-site' || site === 'same-site'
  if (!isForeign || (isPage && mode === 'navigate')) return { type: 'welcome', origin: null }
  return { type: 'refused', fault: foreignOrigin('a page of another site') }
}

function judgeOrigin(origin: string, host: string, { consoles }: CallerRules): Verdict {
  const caller = placeOf(origin)
  if (caller !== null && (origin === `http://${host}` || origin === `https://${host}`)) return { type: 'welcome', origin: null }
  if (caller !== null && consoles().has(caller)) return { type: 'welcome', origin }
  return { type: 'refused', fault: foreignOrigin(`the page of ${JSON.stringify(origin.slice(0, 128))}`) }
}

const addressed = /^(?:localhost|(?:[a-z0-9-]{1,63}\.)*localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/** A name that nobody else can make mean this node: an address, what means this machine everywhere, or a name that was told. */
const isOwnName = (host: string, consoles: CallerRules['consoles']): boolean =>
  addressed.test(host) || [host, `${host}:80`, `${host}:443`].some((name) => consoles().has(name))

/** `host:port` of an origin; null for one that is none, as of a page out of a file. */
function placeOf(origin: string): string | null {
  const [, scheme, host, port] = /^(https?):\/\/([^/:@?#]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(origin) ?? []
  if (scheme === undefined || host === undefined) return null
  return `${host}:${port ?? (scheme === 'https' ? '443' : '80')}`
}

const foreignOrigin = (who: string): Fault<'foreign_origin'> =>
  faultOf('foreign_origin', `${who} may not call this node from a browser: name its host and port in --console-peers if it may`, {})

const unknownHost = (host: string): Fault<'unknown_host'> =>
  faultOf(
    'unknown_host',
    `this node does not know itself as ${JSON.stringify(host.slice(0, 128))}: call it by its address, or name that in --console-peers`,
    {},
  )
