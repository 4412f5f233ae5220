import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { rawField, rawItems } from './raw-field.ts'

test('a field is cut out as it is written, whatever is in it and around it', () => {
  const values = [
    '1e400',
    '9007199254740993',
    '"a \\"quoted, } text\\\\"',
    '{"value":[1, 2],"found":{}}',
    '[{"a":"]"} ,\n null]',
    'null',
    '""',
  ]
  for (const value of values) {
    equal(rawField(`{"key":"value","value":${value},"found":true}`, 'value'), value)
    equal(rawField(`{ "found" : {"value":1}, "k\\u0065y":",", "value" : ${value} }`, 'value'), value)
  }
})

test('a field that is not there is none, also when one within another has its name', () => {
  for (const text of ['{}', '{"a":{"value":1}}', '{"a":"value","b":["value",{"value":2}]}', '{"values":1}'])
    equal(rawField(text, 'value'), null)
})

test('items are cut out as they are written', () => {
  deepEqual(rawItems('[]'), [])
  deepEqual(rawItems(' [ 1e400 ,"a,b", [1, 2],{"a":[3,{}]} ] '), ['1e400', '"a,b"', '[1, 2]', '{"a":[3,{}]}'])
})
