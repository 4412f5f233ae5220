import { ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import { cacheRoutes } from '#api/cache/routes.ts'
import { operatorRoutes } from '#api/common/operators.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { Route } from '#api/route.ts'
import { hasFields } from '#api/route.ts'
import { ServedCache } from '#http/testkit-cache.ts'
import { ServedQueues } from '#http/testkit-queues.ts'
import { Served } from '#http/testkit.ts'
import type { HttpRequest } from './http-requests.ts'
import { badRequests, goodRequests, oversized, rightRequestsOf, wrongRequestsOf } from './http-requests.ts'
import { judgeRefusal, saysNoSecret } from './judged-answer.ts'
import { checkProperty } from './seeded.ts'

const services = {
  lock: { served: new Served(), routes: { ...lockRoutes, ...operatorRoutes, ...commonRoutes } },
  queue: { served: new ServedQueues(), routes: queueRoutes },
  cache: { served: new ServedCache(), routes: cacheRoutes },
} as const

after(async () => {
  for (const { served } of Object.values(services)) await served[Symbol.asyncDispose]()
})

const badRuns = 40

for (const [service, { served, routes }] of Object.entries(services)) {
  const ask = ({ body, ...request }: HttpRequest): Promise<LightMyRequestResponse> =>
    served.http.fastify.inject({ ...request, ...(body === null ? {} : { payload: body }) })

  for (const route of Object.values<Route>(routes)) {
    test(`${service}: whatever is wrong with ${route.method} ${route.path} is refused clearly`, async () => {
      const refused = new Map<string, number>()
      const isJudged = async (request: HttpRequest): Promise<void> => {
        const { statusCode, body } = await ask(request)
        if (statusCode < 400) return saysNoSecret(body)
        const code = judgeRefusal(statusCode, body)
        refused.set(code, (refused.get(code) ?? 0) + 1)
      }
      await checkProperty(wrongRequestsOf(route), fc.asyncProperty(badRequests(route), isJudged), { numRuns: badRuns })
      if (hasFields(route.body)) await isJudged(oversized(route))
      const count = [...refused.values()].reduce((sum, each) => sum + each, 0)
      ok(count > badRuns / 4, `only ${count} were refused: ${JSON.stringify([...refused])}`)
      if (hasFields(route.body)) ok((refused.get('payload_too_large') ?? 0) > 0)
    })

    if (route.streams) continue
    test(`${service}: what fits the schemas of ${route.method} ${route.path} is answered, or refused by a rule`, async () => {
      const taken = new Set<string>()
      const isAnswered = async (request: HttpRequest): Promise<void> => {
        const { statusCode, body } = await ask(request)
        if (statusCode >= 400) judgeRefusal(statusCode, body)
        else taken.add(request.url)
      }
      // Some calls have rules beside their schema that few of such requests keep.
      for (let round = 0; round < 30 && taken.size === 0; round++) {
        await checkProperty(rightRequestsOf(route), fc.asyncProperty(goodRequests(route), isAnswered), { numRuns: 10, round })
      }
      ok(taken.size > 0, 'some are taken')
    })
  }
}
