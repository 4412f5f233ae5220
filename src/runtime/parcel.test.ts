import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { decodeCommand } from '#wire/command.ts'
import { runtimeLimits } from './limits.ts'
import { Origin } from './origin.ts'
import type { Lane, Submitted } from './parcel.ts'
import { pack } from './parcel.ts'

const lane: Lane = { group: 1, origin: null, opening: false, waiting: [], doubtful: [], scheduled: false, resting: false }
const command = (bytes: number): Submitted => ({ lane, body: new Uint8Array(bytes), deadline: millis(0), done() {}, parcel: null })

const packed = (...sizes: number[]): number[][] =>
  pack(sizes.map(command), new Origin(1, millis(0))).map(({ commands }) => commands.map(({ body }) => body.length))

test('commands are packed in order, up to a number and a size, and a large one goes alone', () => {
  const { parcelBytesMax: bytes, parcelCommandsMax: count } = runtimeLimits
  deepEqual(packed(), [])
  deepEqual(packed(3, 1, 2), [[3, 1, 2]])
  deepEqual(packed(bytes - 1, 1, 1), [[bytes - 1, 1], [1]])
  deepEqual(packed(1, bytes + 1, 2, 3), [[1], [bytes + 1], [2, 3]])
  deepEqual(
    packed(...Array.from({ length: count + 2 }, () => 1)).map(({ length }) => length),
    [count, 2],
  )
})

test('the number of a parcel is done with when none of its commands waits any more, or it is dissolved', () => {
  const origin = new Origin(9, millis(0))
  const [first, second] = pack([command(1), command(1)], origin).concat(pack([command(1)], origin))
  equal(origin.confirmed, 0)
  second?.dissolve()
  equal(origin.confirmed, 0)
  first?.ended()
  equal(first?.isAwaited, true)
  equal(origin.confirmed, 0)
  first?.ended()
  equal(first?.isAwaited, false)
  equal(origin.confirmed, 2)
})

test('a parcel is one command of the log, with all of its bodies', () => {
  const origin = new Origin(9, millis(0))
  const [parcel] = pack([command(1), command(2)], origin)
  const decoded = decodeCommand(parcel?.encode() ?? new Uint8Array(0))
  deepEqual(decoded, {
    type: 'identified',
    origin: 9,
    sequence: 1,
    confirmed: 0,
    bodies: [Buffer.alloc(1), Buffer.alloc(2)],
  })
})
