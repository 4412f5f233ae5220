import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cacheRoutes } from '#api/cache/routes.ts'
import { operatorRoutes } from '#api/common/operators.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { Route } from '#api/route.ts'
import type { HttpRequest } from './http-requests.ts'
import { badRequests, rightRequestsOf, wrongRequestsOf } from './http-requests.ts'
import { keptSeeds } from './kept-seeds.ts'
import { checkProperty, samplesOf, sendAll } from './seeded.ts'

const routes: readonly Route[] = [lockRoutes, queueRoutes, cacheRoutes, operatorRoutes, commonRoutes].flatMap((each) =>
  Object.values<Route>(each),
)

test('each name that something is kept for is that of inputs', () => {
  const names = [
    ...routes.flatMap((route) => [wrongRequestsOf(route), rightRequestsOf(route)]),
    ...['lock', 'queue', 'cache'].flatMap((service) => [`bytes of a ${service} client`, `bytes of a ${service} node`]),
    ...['locks', 'queues', 'catalogue', 'memory'].map((kind) => `snapshots of ${kind}`),
    'records of the journal',
    'records of the store',
    'files of settings',
  ]
  deepEqual(
    Object.keys(keptSeeds).filter((name) => !names.includes(name)),
    [],
  )
})

const name = wrongRequestsOf(lockRoutes.acquire)
const requests = badRequests(lockRoutes.acquire)
const kept = (keptSeeds[name] ?? []).flatMap(({ seed, path }) => fc.sample(requests, { seed, path, numRuns: 1 }))

test('what is kept comes first, and then what is new', async (t) => {
  ok(kept.length > 0)
  const seen: HttpRequest[] = []
  await checkProperty(
    name,
    fc.property(requests, (request) => void seen.push(request)),
    { numRuns: 100 },
  )
  deepEqual(seen[0], kept[0])
  ok(seen.length >= kept.length + 100)
  const samples = samplesOf(t, { [name]: requests }, 5)
  deepEqual(
    samples.slice(0, kept.length).map(({ input }) => input),
    kept,
  )
  equal(samples.length, kept.length + 5)
})

test('an input that fails says with which seed and path it can be had again', async (t) => {
  const samples = samplesOf(t, { numbers: fc.nat() }, 20)
  const failing = samples[7]?.input
  const send = async (input: number): Promise<void> => equal(input !== failing, true)
  let told = ''
  await rejects(sendAll(samples, [send]), ({ message }: Error) => (told = message).startsWith('numbers: '))
  const [, seed, path] = /seed: (\d+), path: '(\d+)'/.exec(told) ?? []
  deepEqual(fc.sample(fc.nat(), { seed: Number(seed), path: path ?? '', numRuns: 1 }), [failing])

  const property = fc.property(fc.nat(), (each) => each !== failing && each < 1_000)
  await rejects(checkProperty('numbers', property, { numRuns: 100 }), /seed: \d+, path: "[\d:]+"/)
})
