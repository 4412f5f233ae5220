import { anyUnlimitedToken, listing } from '#api/access/access.ts'
import { serviceErrors } from '#api/common/errors.ts'
import { json, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { busEvents, watchEvents } from './events.ts'
import { cacheApiLimits as limits } from './limits.ts'
import {
  batchAnswer,
  batchRequest,
  changed,
  deleteQuery,
  incremented,
  incrementRequest,
  keyPath,
  readAbsent,
  readFound,
  writeRequest,
} from './lines.ts'
import type { KeyPath } from './lines.ts'
import { cacheStatus, statusQuery } from './status.ts'

const tag = 'Values'

const changing = [...serviceErrors, 'version_mismatch', 'memory_full', 'too_many_operations', 'value_too_large'] as const

const removal = {
  access: { type: 'named', role: 'cache-write', names: ({ key }: KeyPath) => [key] },
  method: 'DELETE',
  tag,
  description: 'For everybody at once: whoever reads after the answer finds nothing. What is absent already is no error.',
  params: keyPath,
  query: deleteQuery,
  answers: [json(200, 'It is gone.', changed)],
  errors: changing,
} as const

/** The calls of the cache service. */
export const cacheRoutes = {
  read: route({
    id: 'read',
    access: { type: 'named', role: 'cache-read', names: ({ key }) => [key] },
    method: 'GET',
    path: '/read/{key}',
    tag,
    summary: 'Read a value',
    description:
      'From this node if it has the line, without asking anybody; otherwise it asks the home, and has it then. Never older than what anybody was told before. That a key is absent is known like any value: 404 with the same fields.',
    params: keyPath,
    answers: [json(200, 'The value, byte for byte as it was written.', readFound), json(404, 'There is none.', readAbsent)],
    errors: serviceErrors,
  }),
  write: route({
    id: 'write',
    access: { type: 'named', role: 'cache-write', names: ({ key }) => [key] },
    method: 'POST',
    path: '/write/{key}',
    tag,
    summary: 'Write a value',
    description:
      'Every copy elsewhere is gone before it is answered. After `unknown` it may have been written: read it, or send it again under its `operation_id`.',
    params: keyPath,
    body: writeRequest,
    raw: { fields: { value: 'raw' } },
    bodyBytesMax: limits.requestBytesMax,
    answers: [json(200, 'It is written, and this node has the line.', changed)],
    errors: changing,
    repeatable: false,
  }),
  remove: route({ ...removal, id: 'remove', path: '/read/{key}', summary: 'Remove a value' }),
  delete: route({ ...removal, id: 'delete', path: '/delete/{key}', summary: 'Remove a value, by another path' }),
  increment: route({
    id: 'increment',
    access: { type: 'named', role: 'cache-write', names: ({ key }) => [key] },
    method: 'POST',
    path: '/increment/{key}',
    tag,
    summary: 'Add to a number',
    description: 'The value is an integer, or absent. When several nodes do it in turns the home adds, and the line stays there.',
    params: keyPath,
    body: incrementRequest,
    answers: [json(200, 'It is added.', incremented)],
    errors: [...changing, 'not_a_number', 'number_out_of_range'],
    repeatable: false,
  }),
  batch: route({
    id: 'batch',
    access: {
      type: 'mixed',
      demands: ({ operations }) =>
        operations.map(({ type, key }) => ({ role: type === 'read' ? ('cache-read' as const) : ('cache-write' as const), names: [key] })),
    },
    method: 'POST',
    path: '/batch',
    tag,
    summary: 'Many reads and changes in one call',
    description: 'Each by itself, side by side: nothing is promised of their order, and some may fail while others do not.',
    body: batchRequest,
    raw: { fields: { operations: { items: { fields: { value: 'raw' } } } } },
    bodyBytesMax: limits.requestBytesMax,
    answers: [json(200, 'How each of them went.', batchAnswer)],
    errors: [...changing, 'not_a_number', 'number_out_of_range', 'answer_too_large'],
    repeatable: false,
  }),
  watch: route({
    id: 'watch',
    access: { type: 'named', role: 'cache-read', names: ({ key }) => [key] },
    method: 'GET',
    path: '/watch/{key}',
    tag: 'Looking',
    summary: 'A value, and its changes as they are seen',
    description:
      'Server-sent events: `value` with the value as it is, and again for each change; of changes in quick succession perhaps only the last. A comment every few seconds shows that the stream is alive.',
    params: keyPath,
    answers: [
      { status: 200, description: 'One event after the other: its data is this.', content: { 'text/event-stream': watchEvents.value } },
    ],
    errors: ['unavailable'],
    streams: true,
  }),
  status: route({
    id: 'status',
    access: listing,
    method: 'GET',
    path: '/status',
    tag: 'Looking',
    summary: 'The lines of this node with their states',
    query: statusQuery,
    answers: [json(200, 'This node, with a page of its lines.', cacheStatus)],
    errors: serviceErrors,
  }),
  bus: route({
    id: 'bus',
    access: anyUnlimitedToken,
    method: 'GET',
    path: '/bus',
    tag: 'Looking',
    summary: 'The bus transactions that this node sees, as they happen',
    description: 'Server-sent events, as of `GET /events`: one that is too slow is told how many it missed.',
    answers: [
      { status: 200, description: 'One event after the other: its data is this.', content: { 'text/event-stream': busEvents.transaction } },
    ],
    errors: ['unavailable'],
    streams: true,
  }),
} as const satisfies Readonly<Record<string, Route>>
