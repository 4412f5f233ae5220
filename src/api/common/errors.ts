import { Type } from 'typebox'
import type { ErrorEntry } from '#api/error-entry.ts'
import { none, retryLater } from '#api/error-entry.ts'
import { listOf, optional, text } from '#api/schemas.ts'

/** Errors that any call of any service may answer. */
export const commonErrors = {
  invalid_request: {
    status: 400,
    retryable: false,
    summary: 'The request is not one of these. `field` names what is wrong: a field of the body, a parameter, `body` or `url`.',
    details: { field: optional(text(256)) },
  },
  not_found: { status: 404, retryable: false, summary: 'Nothing is served at this path.', details: none },
  method_not_allowed: {
    status: 405,
    retryable: false,
    summary: 'This path is served, but not with this method; `allow` lists those that are.',
    details: { allow: listOf(Type.String(), { maxItems: 8 }) },
  },
  request_timeout: { status: 408, retryable: true, summary: 'The request did not arrive in time.', details: none },
  payload_too_large: { status: 413, retryable: false, summary: 'The body is larger than this service takes.', details: none },
  uri_too_long: { status: 414, retryable: false, summary: 'A part of the path is longer than any name can be.', details: none },
  unsupported_media_type: { status: 415, retryable: false, summary: 'The body is not `application/json`.', details: none },
  headers_too_large: { status: 431, retryable: false, summary: 'The headers are larger than this service takes.', details: none },
  overloaded: { status: 429, retryable: true, summary: 'This node has as much to do as it can take.', details: retryLater },
  internal: { status: 500, retryable: false, summary: 'A fault of this node. It is in its log under the request id.', details: none },
  no_leader: {
    status: 503,
    retryable: true,
    summary: 'No leader is known, or it cannot reach a majority. Nothing was carried out.',
    details: retryLater,
  },
  unavailable: { status: 503, retryable: true, summary: 'This node cannot serve now. Nothing was carried out.', details: retryLater },
  not_ready: { status: 503, retryable: true, summary: 'The node runs and cannot serve yet; the message says why.', details: retryLater },
  stopping: { status: 503, retryable: true, summary: 'This node is being stopped. Ask another.', details: retryLater },
  unknown: {
    status: 504,
    retryable: true,
    summary: 'No answer in time: the request may have been carried out, or may yet be. Sending it again tells.',
    details: none,
  },
  disk_full: {
    status: 507,
    retryable: true,
    summary: 'Too little disk is left to write. What is stored can be read.',
    details: retryLater,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>

/** How a call of any service may end that has to do with the cluster rather than with the call. */
export const serviceErrors = ['no_leader', 'unavailable', 'overloaded', 'stopping', 'unknown', 'disk_full', 'internal'] as const
