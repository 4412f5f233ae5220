import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import type { ServiceClient } from './service-client.ts'

/** What one node answers; null when it does not. */
export async function bodyAt<R extends Route>(
  client: ServiceClient,
  url: string,
  route: R,
  request: RequestOf<R>,
): Promise<AnswerOf<R> | null> {
  const answer = await client.ask(url, route, request, client.timeoutMs)
  return answer.type === 'answered' ? (answer.body as AnswerOf<R>) : null
}
