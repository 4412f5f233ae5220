import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { BatchRequest } from '#api/cache/lines.ts'
import { cacheApiLimits } from '#api/cache/limits.ts'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { isJson } from '#cli/flags/json-value.ts'
import { screen } from '#cli/output/terminal.ts'
import { rawField, rawItems } from '#cli/service/raw-field.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'

/** Of lines; a line and what stands around it must fit into one request. */
const bytesMax = cacheApiLimits.requestBytesMax - 65_536

/** Operations as lines of JSON, from standard input or a file: a line of JSON with the result for each, in order. */
export async function batch(client: ServiceClient, operand: string | undefined): Promise<number> {
  const input = operand === undefined || operand === '-' ? process.stdin : createReadStream(operand.replace(/^@/, ''))
  let waiting: string[] = []
  let bytes = 0
  let number = 0
  let failed = 0
  const send = async (): Promise<void> => {
    if (waiting.length > 0) failed += await carriedOut(client, waiting)
    waiting = []
    bytes = 0
  }
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number++
      if (line.trim() === '') continue
      const operation = withId(line, number)
      const size = Buffer.byteLength(operation)
      if (waiting.length >= cacheApiLimits.itemsMax || bytes + size > bytesMax) await send()
      waiting.push(operation)
      bytes += size
    }
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error) || !('code' in error)) throw error
    throw new CommandError(exitCodes.usage, `${operand ?? 'standard input'} cannot be read: ${error.message}`)
  }
  await send()
  return failed > 0 ? exitCodes.refused : exitCodes.done
}

/** What has no id gets one, so that what had no answer can be sent again; all else stays as it is written. */
function withId(line: string, number: number): string {
  const operation = isJson(line) ? (JSON.parse(line) as unknown) : null
  if (typeof operation !== 'object' || operation === null || !('type' in operation))
    throw new CommandError(exitCodes.usage, `line ${number} is no operation, such as {"type":"read","key":"k"}`)
  const text = line.trim()
  const hasId = operation.type === 'read' || 'operation_id' in operation
  return hasId ? text : `{"operation_id":"${randomUUID()}",${text.slice(1)}`
}

/** Prints the results, and resolves with how many are errors. */
async function carriedOut(client: ServiceClient, operations: readonly string[]): Promise<number> {
  // They become bytes within the request, as values do.
  const raw = operations.map((operation) => new TextEncoder().encode(operation)) as unknown as BatchRequest['operations']
  const { text } = orRefused(await client.callForText(routes.batch, () => ({ operations: raw }), { repeatable: true }))
  const results = rawItems(rawField(text, 'results') ?? '[]')
  for (const result of results) screen.print(`${result.replaceAll(/[\r\n]+/g, ' ')}\n`)
  return results.filter((result) => rawField(result, 'error') !== null).length
}
