import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTypes, type Frame } from '#wire/frame.ts'
import { Handshake, type HandshakeStep, type Identity, nonceBytes, protocolVersions } from './handshake.ts'

const identity = (name: string, change: Partial<Identity> = {}): Identity => ({
  name,
  incarnation: `${name}-1`,
  service: 'lock',
  clusterId: 'c',
  secret: 'secret',
  versions: protocolVersions,
  ...change,
})

const nonce = (fill: number): Uint8Array => new Uint8Array(nonceBytes).fill(fill)
const dialler = (self: Identity, fill = 1): Handshake => new Handshake({ role: 'dialler', self, expected: 'two', nonce: nonce(fill) })
const acceptor = (self: Identity, fill = 2): Handshake => new Handshake({ role: 'acceptor', self, expected: null, nonce: nonce(fill) })

function reply(step: HandshakeStep): Frame {
  assert(step.type !== 'refused' && step.reply !== null, JSON.stringify(step))
  return step.reply
}

/** Plays the four frames; `tamper` sees each before it is delivered. */
function play(one: Handshake, two: Handshake, tamper: (frame: Frame) => Frame = (frame) => frame): readonly HandshakeStep[] {
  const greeted = two.receive(tamper(one.opening()))
  if (greeted.type === 'refused') return [greeted]
  const answered = one.receive(tamper(reply(greeted)))
  if (answered.type === 'refused') return [greeted, answered]
  const proved = two.receive(tamper(reply(answered)))
  if (proved.type === 'refused') return [greeted, answered, proved]
  return [greeted, answered, proved, one.receive(tamper(reply(proved)))]
}

const refusal = (steps: readonly HandshakeStep[]): string => {
  const last = steps.at(-1)
  return last?.type === 'refused' ? last.parting.code : 'none'
}

for (const secret of ['secret', null]) {
  test(`two nodes ${secret === null ? 'without' : 'with'} a secret learn who the other is in four frames`, () => {
    const [, , accepted, dialled] = play(dialler(identity('one', { secret })), acceptor(identity('two', { secret })))
    assert(accepted?.type === 'established' && dialled?.type === 'established')
    assert.deepEqual(accepted.peer, { name: 'one', incarnation: 'one-1', clusterId: 'c', version: 1 })
    assert.deepEqual(dialled.peer, { name: 'two', incarnation: 'two-1', clusterId: 'c', version: 1 })
  })
}

test('the newest version that both speak is taken', () => {
  const versions = { oldest: 1, newest: 7 }
  const steps = play(dialler(identity('one', { versions })), acceptor(identity('two', { versions: { oldest: 2, newest: 4 } })))
  const last = steps.at(-1)
  assert.equal(last?.type === 'established' && last.peer.version, 4)
})

test('the dialler proves itself first: the acceptor shows nothing made with the secret to a stranger', () => {
  const steps = play(dialler(identity('one', { secret: 'guess' })), acceptor(identity('two')))
  assert.deepEqual(
    steps.map(({ type }) => type),
    ['continue', 'continue', 'refused'],
  )
  assert.equal(refusal(steps), 'wrong-secret')
})

test('an acceptor without the secret is found out, also when it lets everybody in', () => {
  const one = dialler(identity('one'))
  const impostor = acceptor(identity('two', { secret: 'guess' }))
  one.receive(reply(impostor.receive(one.opening())))
  const step = one.receive({ type: frameTypes.proof, stream: 0, body: new Uint8Array(32) })
  assert.equal(refusal([step]), 'wrong-secret')
})

test('a proof cannot be sent back to its maker', () => {
  const one = dialler(identity('one'))
  const proof = reply(one.receive(reply(acceptor(identity('two')).receive(one.opening()))))
  assert.equal(refusal([one.receive(proof)]), 'wrong-secret')
})

test('a recorded proof is worth nothing in another handshake', () => {
  const recorded: Frame[] = []
  play(dialler(identity('one')), acceptor(identity('two')), (frame) => {
    recorded.push(frame)
    return frame
  })
  const later = acceptor(identity('two'), 3)
  later.receive(recorded[0] as Frame)
  assert.equal(refusal([later.receive(recorded[2] as Frame)]), 'wrong-secret')
})

test('no byte of the hellos can be changed on the way', () => {
  const length = dialler(identity('one')).opening().body.length
  for (let at = 0; at < length; at++) {
    let isFirst = true
    const steps = play(dialler(identity('one')), acceptor(identity('two')), (frame) => {
      if (!isFirst) return frame
      isFirst = false
      const body = Uint8Array.from(frame.body)
      body[at] = (body[at] as number) ^ 1
      return { ...frame, body }
    })
    assert.notEqual(refusal(steps), 'none')
  }
})

test('a hello with more behind it, from a newer node, is understood', () => {
  const longer = (frame: Frame): Frame =>
    frame.type === frameTypes.hello ? { ...frame, body: Buffer.concat([frame.body, Buffer.from([1, 2, 3])]) } : frame
  const two = acceptor(identity('two'))
  assert.equal(two.receive(longer(dialler(identity('one')).opening())).type, 'continue')
})

test('frames out of turn are refused', () => {
  const ping: Frame = { type: frameTypes.ping, stream: 0, body: new Uint8Array(0) }
  const proof: Frame = { type: frameTypes.proof, stream: 0, body: new Uint8Array(32) }
  for (const frame of [ping, proof]) assert.equal(refusal([acceptor(identity('two')).receive(frame)]), 'malformed')
  const two = acceptor(identity('two'))
  const hello = dialler(identity('one')).opening()
  two.receive(hello)
  assert.equal(refusal([two.receive(hello)]), 'malformed')
})

test('a recorded answer is worth nothing to a dialler that asks anew', () => {
  const recorded: Frame[] = []
  play(dialler(identity('one')), acceptor(identity('two')), (frame) => {
    recorded.push(frame)
    return frame
  })
  const later = dialler(identity('one'), 3)
  assert.equal(later.receive(recorded[1] as Frame).type, 'continue')
  assert.equal(refusal([later.receive(recorded[3] as Frame)]), 'wrong-secret')
})

test('a hello cannot be sent back to its maker, to have it answer its own question on another connection', () => {
  const self = identity('one')
  const asked = dialler(self).opening()
  assert.equal(refusal([acceptor(self).receive(asked)]), 'own-name')
})

test('a proof of one end is none of the other', () => {
  const one = dialler(identity('one'))
  const two = acceptor(identity('two'))
  const proof = reply(one.receive(reply(two.receive(one.opening()))))
  const answer = reply(two.receive(proof))
  assert.notDeepEqual(answer.body, proof.body)
})

test('a proof that differs anywhere, or has another length, is none', () => {
  const tampered = (change: (body: Uint8Array) => Uint8Array): string =>
    refusal(
      play(dialler(identity('one')), acceptor(identity('two')), (frame) =>
        frame.type === frameTypes.proof ? { ...frame, body: change(frame.body) } : frame,
      ),
    )
  assert.equal(
    tampered((body) => body),
    'none',
  )
  for (let at = 0; at < 32; at++)
    assert.equal(
      tampered((body) => body.map((byte, place) => (place === at ? byte ^ 0x80 : byte))),
      'wrong-secret',
    )
  for (const length of [0, 1, 31])
    assert.equal(
      tampered((body) => body.subarray(0, length)),
      'wrong-secret',
    )
  assert.equal(
    tampered((body) => Buffer.concat([body, Buffer.alloc(1)])),
    'wrong-secret',
  )
})

test('another secret is found out by either end, though the other one would let everybody in', () => {
  const [one, two] = [dialler(identity('one', { secret: 'of this cluster' })), acceptor(identity('two', { secret: 'of another' }))]
  const proof = reply(one.receive(reply(two.receive(one.opening()))))
  assert.equal(refusal([two.receive(proof)]), 'wrong-secret')
  const forged = acceptor(identity('two', { secret: 'of another' }), 4)
  const asking = dialler(identity('one', { secret: 'of this cluster' }))
  const theirs = reply(forged.receive(asking.opening()))
  asking.receive(theirs)
  // What an acceptor with the other secret proves of the same two hellos.
  const twin = new Handshake({ role: 'dialler', self: identity('one', { secret: 'of another' }), expected: 'two', nonce: nonce(1) })
  const answer = reply(forged.receive(reply(twin.receive(theirs))))
  assert.equal(refusal([asking.receive(answer)]), 'wrong-secret')
})
