import { createHmac, timingSafeEqual } from 'node:crypto'
import { assert } from '#base/assert.ts'
import type { NodeKey } from '#ports/transport.ts'
import { type Greeting, type PartingCode, type Parting, greeting } from '#wire/control.ts'
import { type Frame, frameTypes, streams } from '#wire/frame.ts'

/**
 * How two nodes make sure of each other before anything else passes. A pure state machine: frames in, frames out.
 *
 *     dialler                                    acceptor
 *        hello: versions, service, cluster, name, nonce  →
 *     ←  hello: the same of the acceptor
 *        proof: HMAC-SHA256(secret, "dialler", both hellos)  →
 *     ←  proof: HMAC-SHA256(secret, "acceptor", both hellos)
 *
 * Each proof covers the other's nonce, so it cannot be recorded and replayed; the word for the role, so it cannot be reflected; and both
 * hellos as they were sent, so neither names nor versions can be changed on the way. The dialler proves first: who merely connects gets
 * nothing computed with the secret. Without a secret on both sides the proofs are empty. The secret authenticates the connection; it
 * does not encrypt it: that is what TLS is for.
 */

export const protocolVersions = { oldest: 1, newest: 1 } as const

export const nonceBytes = 32

/** What a node says of itself. */
export interface Identity extends NodeKey {
  readonly service: string
  /** Null until a cluster is formed or joined. */
  readonly clusterId: string | null
  /** Null when the cluster has none. */
  readonly secret: string | null
  readonly versions: { readonly oldest: number; readonly newest: number }
}

export type HandshakeStep =
  | { readonly type: 'continue'; readonly reply: Frame }
  | { readonly type: 'established'; readonly reply: Frame | null; readonly peer: ProvenPeer }
  | { readonly type: 'refused'; readonly parting: Parting }

export interface ProvenPeer extends NodeKey {
  readonly clusterId: string | null
  readonly version: number
}

export type HandshakeRole = 'dialler' | 'acceptor'

export interface HandshakeOptions {
  readonly role: HandshakeRole
  readonly self: Identity
  /** Who is meant to answer; null when that is not known, and for an acceptor. */
  readonly expected: string | null
  /** Random, never used before. */
  readonly nonce: Uint8Array
}

export class Handshake {
  readonly #options: HandshakeOptions
  readonly #own: Uint8Array
  #theirs: { readonly greeting: Greeting; readonly encoded: Uint8Array } | null = null
  #over = false

  constructor(options: HandshakeOptions) {
    assert(options.nonce.length === nonceBytes, 'a nonce has its length')
    const { self, expected, nonce } = options
    this.#options = options
    this.#own = greeting.encode({
      ...self.versions,
      service: self.service,
      clusterId: self.clusterId,
      name: self.name,
      incarnation: self.incarnation,
      to: expected,
      secret: self.secret !== null,
      nonce,
    })
  }

  /** What this end says of its cluster. */
  get clusterId(): string | null {
    return this.#options.self.clusterId
  }

  /** The dialler begins with this. */
  opening(): Frame {
    return control(frameTypes.hello, this.#own)
  }

  receive(frame: Frame): HandshakeStep {
    assert(!this.#over, 'a handshake ends once')
    const step = this.#step(frame)
    this.#over = step.type !== 'continue'
    return step
  }

  #step(frame: Frame): HandshakeStep {
    if (frame.type === frameTypes.hello && this.#theirs === null) return this.#greeted(frame.body)
    if (frame.type === frameTypes.proof && this.#theirs !== null) return this.#proved(frame.body, this.#theirs.greeting)
    return refused('malformed', `unexpected frame of type ${frame.type} in the handshake`)
  }

  #greeted(encoded: Uint8Array): HandshakeStep {
    const decoded = greeting.decode(encoded)
    if (!decoded.ok) return refused('malformed', decoded.error)
    const parting = objection(this.#options, decoded.value)
    if (parting !== null) return { type: 'refused', parting }
    this.#theirs = { greeting: decoded.value, encoded: new Uint8Array(encoded) }
    if (this.#options.role === 'acceptor') return { type: 'continue', reply: this.opening() }
    return { type: 'continue', reply: control(frameTypes.proof, this.#proof('dialler')) }
  }

  #proved(proof: Uint8Array, theirs: Greeting): HandshakeStep {
    const { role, self } = this.#options
    const expected = this.#proof(role === 'dialler' ? 'acceptor' : 'dialler')
    if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) {
      return refused('wrong-secret', `the secrets of ${self.name} and ${theirs.name} differ`)
    }
    const version = Math.min(self.versions.newest, theirs.newest)
    const peer = { name: theirs.name, incarnation: theirs.incarnation, clusterId: theirs.clusterId, version }
    return { type: 'established', reply: role === 'acceptor' ? control(frameTypes.proof, this.#proof('acceptor')) : null, peer }
  }

  /** What `prover` must show. */
  #proof(prover: HandshakeRole): Uint8Array {
    const { role, self } = this.#options
    assert(this.#theirs !== null, 'a proof covers both hellos')
    if (self.secret === null) return new Uint8Array(0)
    const [first, second] = role === 'dialler' ? [this.#own, this.#theirs.encoded] : [this.#theirs.encoded, this.#own]
    const hmac = createHmac('sha256', self.secret)
    return hmac.update(`lockstep ${prover} ${first.length} ${second.length}\n`).update(first).update(second).digest()
  }
}

/** Why these two must not talk, before any proof. */
function objection({ self, expected }: HandshakeOptions, theirs: Greeting): Parting | null {
  if (theirs.nonce.length !== nonceBytes) return reason('malformed', 'a nonce of the wrong length')
  if (theirs.newest < self.versions.oldest || theirs.oldest > self.versions.newest) {
    const [ours, other] = [self.versions, theirs].map(({ oldest, newest }) => `${oldest} to ${newest}`)
    return reason('unknown-version', `one end speaks protocol versions ${ours}, the other ${other}`)
  }
  if (theirs.service !== self.service) return reason('other-service', `a ${self.service} node and a ${theirs.service} node`)
  if (theirs.secret !== (self.secret !== null)) {
    const [has, lacks] = theirs.secret ? [theirs.name, self.name] : [self.name, theirs.name]
    return reason('wrong-secret', `${has} has a secret, ${lacks} has none`)
  }
  if (theirs.clusterId !== null && self.clusterId !== null && theirs.clusterId !== self.clusterId) {
    return reason('other-cluster', `clusters ${self.clusterId} and ${theirs.clusterId}`)
  }
  return misnamed({ self, expected }, theirs)
}

function misnamed({ self, expected }: Pick<HandshakeOptions, 'self' | 'expected'>, theirs: Greeting): Parting | null {
  if (theirs.name === self.name) {
    const same = theirs.incarnation === self.incarnation
    return reason('own-name', same ? `${self.name} reached itself` : `two nodes are called ${self.name}`)
  }
  if (expected !== null && theirs.name !== expected) return reason('wrong-name', `expected ${expected}, found ${theirs.name}`)
  if (theirs.to !== null && theirs.to !== self.name) return reason('wrong-name', `expected ${theirs.to}, found ${self.name}`)
  return null
}

const reason = (code: PartingCode, detail: string): Parting => ({ code, detail })
const refused = (code: PartingCode, detail: string): HandshakeStep => ({ type: 'refused', parting: reason(code, detail) })
const control = (type: number, body: Uint8Array): Frame => ({ type, stream: streams.control, body })
