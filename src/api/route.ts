import { Type } from './type.ts'
import type { TObject, TSchema } from 'typebox'
import type { Access } from '#api/access/access.ts'
import type { ErrorCode } from './errors.ts'
import type { Data } from './schemas.ts'
import { closed } from './schemas.ts'

/**
 * One call of the public API. The table of these is all there is: the HTTP server makes its routes of it, the OpenAPI document and the
 * reference are written from it, and what is not in it is not served.
 */
export interface Route<
  Params extends TObject = TObject,
  Query extends TObject = TObject,
  Body extends TObject = TObject,
  Answers extends readonly Answer[] = readonly Answer[],
  Errors extends ErrorCode = ErrorCode,
> {
  /** Unique; the `operationId` of OpenAPI. */
  readonly id: string
  /** Who may, where tokens are asked for. */
  readonly access: Access<Data<Params> & Data<Query> & Data<Body>>
  readonly method: Method
  /** Parameters in braces: `/locks/{resource_id}`. */
  readonly path: string
  /** Groups calls in the reference. */
  readonly tag: string
  /** A few words. */
  readonly summary: string
  readonly description: string
  readonly params: Params
  readonly query: Query
  /** One without fields may also be left out. */
  readonly body: Body
  /** Where in the body JSON is kept as its bytes: fields of `jsonValue`. */
  readonly raw: RawPlaces | null
  /** Of the body; null: as many as the server takes of any. */
  readonly bodyBytesMax: number | null
  /** Of what went well. */
  readonly answers: Answers
  /** Besides those that any call may answer. */
  readonly errors: readonly Errors[]
  /** Carried out twice it does no more harm than once, so an unknown outcome may be tried again. */
  readonly repeatable: boolean
  /** It keeps up or gives back what its caller has, so it is not refused for there being too much to do. */
  readonly keeps: boolean
  /** The answer goes on until one of the two leaves. */
  readonly streams: boolean
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A value of JSON that is raw, or that has raw values in it: in some fields of an object, or in each item of a list. */
export type RawPlaces = 'raw' | { readonly fields: Readonly<Record<string, RawPlaces>> } | { readonly items: RawPlaces }

export interface Answer {
  readonly status: number
  readonly description: string
  /** Media type to schema. */
  readonly content: Readonly<Record<string, TSchema>>
}

const nothing = closed({})
type Nothing = typeof nothing

type Optional = 'description' | 'params' | 'query' | 'body' | 'raw' | 'bodyBytesMax' | 'errors' | 'repeatable' | 'keeps' | 'streams'

/** A route with what was left out filled in: no parameters, no body, no errors of its own, repeatable. */
export function route<
  const Answers extends readonly Answer[],
  Params extends TObject = Nothing,
  Query extends TObject = Nothing,
  Body extends TObject = Nothing,
  const Errors extends ErrorCode = never,
>(
  options: Omit<Route<Params, Query, Body, Answers, Errors>, Optional> &
    Partial<Pick<Route<Params, Query, Body, Answers, Errors>, Optional>>,
): Route<Params, Query, Body, Answers, Errors> {
  const nothingSaid = { params: nothing, query: nothing, body: nothing, raw: null, bodyBytesMax: null }
  const defaults = { description: '', ...nothingSaid, errors: [], repeatable: true, keeps: false, streams: false }
  // The compiler does not know that a type parameter has its default exactly when its field is left out.
  return { ...defaults, ...options } as unknown as Route<Params, Query, Body, Answers, Errors>
}

export const json = <Status extends number, Schema extends TSchema>(
  status: Status,
  description: string,
  schema: Schema,
): { readonly status: Status; readonly description: string; readonly content: { readonly 'application/json': Schema } } => ({
  status,
  description,
  content: { 'application/json': schema },
})

/** An answer that is text of another kind. */
export const plain = (status: number, description: string, type: string): Answer => ({
  status,
  description,
  content: { [type]: Type.String() },
})

/** Parameters, query and body as one object, as a service takes them: no name is in two of them. */
export type RequestOf<R extends Route> = Data<R['params']> & Data<R['query']> & Data<R['body']>

/** The JSON that answers a request. */
export type AnswerOf<R extends Route> = R['answers'][number] extends infer One
  ? One extends { readonly content: { readonly 'application/json': infer Schema extends TSchema } }
    ? Data<Schema>
    : never
  : never

export const hasFields = ({ properties }: TObject): boolean => Object.keys(properties).length > 0

/** Of a schema of which something must be given. */
export const requiresFields = ({ required }: { readonly required?: readonly string[] }): boolean => (required ?? []).length > 0

/** Errors that the server itself may answer to this call, and those of the call. */
export function errorsOf({ access, errors, params, body }: Route): readonly ErrorCode[] {
  return [
    // A query that nobody asked for is refused too.
    'invalid_request',
    ...(hasFields(params) ? (['uri_too_long'] as const) : []),
    ...(hasFields(body) ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(access.type === 'open' ? [] : (['unauthorized', 'forbidden', 'rate_limited'] as const)),
    ...errors,
    ...(['foreign_origin', 'unknown_host'] as const),
    ...(['overloaded', 'internal', 'stopping'] as const).filter((code) => !errors.includes(code)),
  ]
}
