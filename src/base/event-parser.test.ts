import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { EventParser } from './event-parser.ts'

const stream =
  'retry: 2000\n\n: alive\n\nid: 1\nevent: value\ndata: {"a":[1,\ndata: 2]}\n\nevent: bus\ndata:x\n\nevent: bare\n\ndata: no type\n\n'
const events = [
  { type: 'value', data: '{"a":[1,\n2]}' },
  { type: 'bus', data: 'x' },
  { type: '', data: 'no type' },
]

test('events are read from pieces of any size', () => {
  for (let size = 1; size <= stream.length; size++) {
    const parser = new EventParser()
    const seen = []
    for (let at = 0; at < stream.length; at += size) seen.push(...parser.push(stream.slice(at, at + size)))
    deepEqual(seen, events, `in pieces of ${size}`)
  }
})
