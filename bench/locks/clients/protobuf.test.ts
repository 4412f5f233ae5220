import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { bytesField, numberField, readBytesField } from './protobuf.ts'

test('fields are encoded as Protocol Buffers says', () => {
  // The examples of its documentation: 150 as field 1, and "testing" as field 2.
  equal(numberField(1, 150n).toString('hex'), '089601')
  equal(bytesField(2, Buffer.from('testing')).toString('hex'), '120774657374696e67')
})

test('a field is found behind numbers of 64 bits and long texts', () => {
  const long = Buffer.alloc(300, 'x')
  const message = Buffer.concat([numberField(3, 2n ** 63n - 1n), bytesField(1, long), bytesField(2, Buffer.from('key'))])
  deepEqual(readBytesField(message, 1), long)
  deepEqual(readBytesField(message, 2), Buffer.from('key'))
  equal(readBytesField(message, 4), null)
})

test('a field of another kind is not passed over', () => {
  throws(() => readBytesField(Buffer.from([0x0d, 0, 0, 0, 0]), 1), /wire type 5/)
})
