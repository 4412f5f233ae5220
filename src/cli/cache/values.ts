import type { JsonBytes } from '#api/schemas.ts'
import { cacheRoutes as routes } from '#api/cache/routes.ts'
import type { Changed } from '#api/cache/lines.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { contentOf, jsonOf } from '#cli/flags/json-value.ts'
import { printableLines } from '#cli/output/table.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import { rawField } from '#cli/service/raw-field.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { orRefused } from '#cli/service/service-client.ts'
import { changed } from './request.ts'
import { sameJson } from './same-json.ts'

/** One value: read, written, removed, added to. */

interface Read {
  /** JSON as it was written; null: absent. */
  readonly raw: string | null
  readonly version: string
  /** The whole answer. */
  readonly text: string
}

async function read(client: ServiceClient, key: string): Promise<Read> {
  const { body, text } = orRefused(await client.callForText(routes.read, () => ({ key })))
  const { found, version } = body as { readonly found: boolean; readonly version: string }
  return { raw: found ? rawField(text, 'value') : null, version, text }
}

export async function get(client: ServiceClient, key: string, shown: { readonly text: boolean; readonly json: boolean }): Promise<number> {
  const { raw, text } = await read(client, key)
  if (shown.json) printText(text)
  else if (raw !== null) printText(shown.text ? textOf(raw) : raw)
  return raw === null ? exitCodes.absent : exitCodes.done
}

/** What a text says, without its quotes. */
export function textOf(raw: string): string {
  return raw.startsWith('"') ? (JSON.parse(raw) as string) : raw
}

/** A program gets what is there; a terminal nothing that it would take for an order. */
const printText = (text: string): void => screen.print(`${screen.isTerminal ? printableLines(text) : text}\n`)

export interface Writing {
  readonly text: boolean
  readonly ttl: number | undefined
  readonly json: boolean
}

interface Setting extends Writing {
  readonly ack: 'replicated' | 'owner'
  readonly 'if-version': string | undefined
  readonly 'if-absent': boolean
}

export async function set(client: ServiceClient, key: string, operand: string | undefined, given: Setting): Promise<number> {
  const value = jsonOf(await contentOf(operand), given.text)
  // An id is remembered by a majority, so it would be written there before it is answered.
  const { ack } = given
  if (ack === 'owner') return tellVersion(orRefused(await client.call(routes.write, () => ({ key, value, ack }))), given.json)
  const version = given['if-version']
  const condition = version === undefined ? (given['if-absent'] ? { if_absent: true } : {}) : { if_version: version }
  const answer = await changed(client, routes.write, (identity) => ({ key, ...fieldsOf(value, given), ...condition, ...identity }))
  return tellVersion(answer, given.json)
}

interface Fields {
  readonly value: JsonBytes
  readonly ttl_ms?: number
}

const fieldsOf = (value: JsonBytes, { ttl }: Writing): Fields => ({ value, ...(ttl === undefined ? {} : { ttl_ms: ttl }) })

function tellVersion(answer: Changed, json: boolean): number {
  if (json) printJson(answer)
  else screen.print(`${answer.version}\n`)
  return exitCodes.done
}

/** Reads, compares and writes, and begins anew when somebody else wrote in between. */
const roundsMax = 100

export async function compareAndSet(
  client: ServiceClient,
  key: string,
  { expected, operand }: { readonly expected: string; readonly operand: string | undefined },
  given: Writing,
): Promise<number> {
  const wanted = new TextDecoder().decode(jsonOf(expected, given.text))
  const value = jsonOf(await contentOf(operand), given.text)
  for (let round = 0; round < roundsMax; round++) {
    const { raw, version } = await read(client, key)
    if (raw === null || !sameJson(raw, wanted)) {
      const seen = raw === null ? 'absent' : `version ${version}`
      throw new CommandError(
        exitCodes.mismatch,
        `the value of ${JSON.stringify(key)} is not the expected one: it is ${seen}; nothing was changed`,
      )
    }
    const written = await changed(client, routes.write, (identity) => ({
      key,
      ...fieldsOf(value, given),
      if_version: version,
      ...identity,
    })).catch((error: unknown) => unlessMismatch(error))
    if (written !== null) return tellVersion(written, given.json)
  }
  throw new CommandError(
    exitCodes.busy,
    `others wrote ${JSON.stringify(key)} ${roundsMax} times between reading and writing; nothing was changed`,
  )
}

function unlessMismatch(error: unknown): null {
  if (error instanceof CommandError && error.exitCode === exitCodes.mismatch) return null
  throw error
}

export async function remove(
  client: ServiceClient,
  key: string,
  { 'if-version': version, json }: Pick<Setting, 'if-version' | 'json'>,
): Promise<number> {
  const condition = version === undefined ? {} : { if_version: version }
  // The call has no way to say that it comes late; what is removed twice is gone as well.
  const answer = await changed(client, routes.delete, ({ operation_id: id }) => ({ key, ...condition, operation_id: id }))
  if (json) printJson(answer)
  return exitCodes.done
}

export async function increment(client: ServiceClient, key: string, by: number, { json }: { readonly json: boolean }): Promise<number> {
  const answer = await changed(client, routes.increment, (identity) => ({ key, by, ...identity }))
  if (json) printJson(answer)
  else screen.print(`${answer.value}\n`)
  return exitCodes.done
}
