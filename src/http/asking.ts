import type { Result } from '#base/result.ts'
import { err } from '#base/result.ts'
import { unavailable } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'

type Ask<Api> = <Value, Code extends Fault['code']>(
  question: (api: Api) => Promise<Result<Value, Fault<Code>>>,
) => Promise<Result<Value, Fault<Code> | Fault<'unavailable'>>>

/** Asks a service that is there only once the node has started. */
export function asking<Api>(api: () => Api | null): Ask<Api> {
  return async (question) => {
    const service = api()
    return service === null ? err(unavailable('this node is starting')) : question(service)
  }
}
