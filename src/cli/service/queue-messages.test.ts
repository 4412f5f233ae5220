import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { messagesIn, onOneLine } from './queue-messages.ts'

test('messages are what was sent, to the last digit', () => {
  const text =
    '{"status":"ok","messages":[{"message_id":"1","message":12345678901234567890},{"message_id":"2","message":{"a":1,"a": 1e400}}]}'
  const messages = messagesIn(JSON.parse(text) as { readonly messages: readonly { readonly message_id: string }[] }, text)
  deepEqual(
    messages.map(({ message_id: id, message }) => [id, message]),
    [
      ['1', '12345678901234567890'],
      ['2', '{"a":1,"a": 1e400}'],
    ],
  )
  deepEqual(messagesIn({}, '{"status":"empty"}'), [])
})

test('what was written on several lines is printed on one, and is the same', () => {
  const json = '{\n  "a": "b\\nc",\r\n  "d": 1\n}'
  deepEqual(JSON.parse(onOneLine(json)), JSON.parse(json))
  deepEqual(onOneLine(json).split('\n').length, 1)
})
