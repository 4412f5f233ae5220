import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '#cli/command.ts'
import { consumeCommand } from './consume.ts'
import { produceCommand } from './produce.ts'
import { queueCommand } from './queue.ts'
import { workCommand } from './work.ts'

/** What is wrong with a command line. */
function mistakesOf(command: Command, given: Readonly<Record<string, string | null>>, ...operands: readonly string[]): readonly string[] {
  const mistakes: string[] = []
  const found = new Map(Object.entries(given).map(([name, text]) => [name, [text]]))
  command.prepare(found, operands, mistakes)
  return mistakes
}

test('a verb takes its own flags and no others', () => {
  deepEqual(mistakesOf(queueCommand, { partitions: '4', ttl: '1h', overflow: 'reject' }, 'create', 'q'), [])
  deepEqual(mistakesOf(queueCommand, { state: 'dead', limit: '5' }, 'peek', 'q'), [])
  deepEqual(mistakesOf(queueCommand, { dead: null, rate: '5', ttl: '1h' }, 'peek', 'q'), [
    '--ttl is not for peek',
    '--dead is not for peek',
    '--rate is not for peek',
  ])
  deepEqual(mistakesOf(queueCommand, { partitions: '2' }, 'set', 'q'), ['--partitions is fixed when the queue is created'])
})

test('all that is wrong is told at once', () => {
  deepEqual(mistakesOf(queueCommand, { 'max-failures': 'x' }, 'shwo'), [
    '--max-failures must be a number from 0 to 10000; it is "x"',
    'the VERB must be one of show, create, set, pause, resume, purge, redrive, peek, delete',
    'the NAME of the queue must be given',
  ])
  deepEqual(mistakesOf(produceCommand, { 'dedupe-id': 'd' }, 'a\nb'), [
    'the name of a queue has 1 to 256 bytes without control characters',
    '--dedupe-id is for one MESSAGE',
  ])
  deepEqual(mistakesOf(consumeCommand, { follow: null, max: '2' }, 'q'), ['--follow is without an end, so --max means nothing beside it'])
  deepEqual(mistakesOf(workCommand, { visibility: '10ms' }), [
    '--queue must be given: NAME',
    '--visibility is at least 1s',
    'the COMMAND must be given, behind --',
  ])
})
