import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { cacheRoutes } from '#api/cache/routes.ts'
import { eventsRoute } from '#api/common/events-route.ts'
import { operatorRoutes } from '#api/common/operators.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { Route } from '#api/route.ts'

const tables: readonly Readonly<Record<string, Route>>[] = [lockRoutes, queueRoutes, cacheRoutes, commonRoutes, operatorRoutes]
const routes: readonly Route[] = [...tables.flatMap((table) => Object.values(table)), eventsRoute([])]

const fieldsOf = ({ params, query, body }: Route): readonly string[] =>
  [params, query, body].flatMap(({ properties }) => Object.keys(properties))

/** The fields in which a request names what it touches. */
const naming = new Set(['resource_id', 'resources', 'queue', 'dead_letter_queue', 'key', 'operations'])

/** Which fields of a request the names of a call are taken from. */
function fieldsRead({ access }: Route): readonly string[] {
  const read = new Set<string>()
  const request = new Proxy(
    {},
    {
      get: (_target, field) => {
        read.add(String(field))
        return field === 'resources' || field === 'operations' ? [{ resource_id: 'a', key: 'a', type: 'read' }] : 'a'
      },
    },
  )
  if (access.type === 'named') ok(access.names(request).length > 0)
  if (access.type === 'mixed') ok(access.demands(request).length > 0)
  return [...read]
}

test('whatever a request names is what its caller must be allowed to touch', () => {
  ok(routes.length > 45)
  for (const route of routes) {
    const fields = fieldsOf(route)
    // The key of a message only orders it within its queue.
    const named = fields.filter((field) => naming.has(field) && !(field === 'key' && fields.includes('queue')))
    deepEqual([...fieldsRead(route)].toSorted(), named.toSorted(), route.id)
  }
})

test('a list takes the prefix by which it is narrowed, and nothing else has one', () => {
  for (const route of routes) ok('prefix' in route.query.properties === (route.access.type === 'listing'), route.id)
})

test('what changes something needs a role', () => {
  const lookers = new Set(['check'])
  for (const { id, method, access } of routes) {
    if (method !== 'GET' && !lookers.has(id)) ok(access.type === 'mixed' || ('role' in access && access.role !== null), id)
  }
})

test('what operators do needs an admin, and what they do to the whole cluster one without prefixes', () => {
  const admins = routes.filter(({ access }) => 'role' in access && access.role === 'admin')
  deepEqual(admins.map(({ id, access }) => `${id} ${access.type}`).toSorted(), [
    'cancelRedrive named',
    'deleteQueue named',
    'forceRelease named',
    'leave everything',
    'purge named',
    'putQueue named',
    'rebalance everything',
    'redrive named',
    'removeMember everything',
    'transfer everything',
  ])
})
