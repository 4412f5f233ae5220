import { Type } from '#api/type.ts'
import type { ErrorEntry } from '#api/error-entry.ts'
import { none, retryLater } from '#api/error-entry.ts'
import { roles } from '#core/access/roles.ts'
import { listOf, oneOf, optional, text } from '#api/schemas.ts'

/** Errors that any call of any service may answer. */
export const commonErrors = {
  invalid_request: {
    status: 400,
    retryable: false,
    summary: 'The request is not one of these. `field` names what is wrong: a field of the body, a parameter, `body` or `url`.',
    details: { field: optional(text(256)) },
  },
  unauthorized: {
    status: 401,
    retryable: false,
    summary: 'This cluster asks for a token, and none came with the request, or one that is unknown or has expired.',
    details: none,
  },
  forbidden: {
    status: 403,
    retryable: false,
    summary:
      'The token does not allow that: it lacks the `role`, or the names that it may touch begin with one of `prefixes` and the request is about others.',
    details: { role: optional(oneOf(roles)), prefixes: optional(listOf(Type.String(), { maxItems: 64 })) },
  },
  foreign_origin: {
    status: 403,
    retryable: false,
    summary: 'A browser sent this for a page that this node does not know. Nothing was carried out.',
    details: none,
  },
  unknown_host: {
    status: 421,
    retryable: false,
    summary: 'This node is not known by the name in the header `Host`. Nothing was carried out.',
    details: none,
  },
  not_found: { status: 404, retryable: false, summary: 'Nothing is served at this path.', details: none },
  method_not_allowed: {
    status: 405,
    retryable: false,
    summary: 'This path is served, but not with this method; `allow` lists those that are.',
    details: { allow: listOf(Type.String(), { maxItems: 8 }) },
  },
  unknown_member: { status: 404, retryable: false, summary: 'No node of that name is a member of this cluster.', details: none },
  unknown_slot: { status: 404, retryable: false, summary: 'This cluster has no such slot that could be led elsewhere.', details: none },
  member_alive: {
    status: 409,
    retryable: false,
    summary: 'Only a dead node can be removed, and this one was heard of. Let it leave instead, or stop it first.',
    details: none,
  },
  member_dead: { status: 409, retryable: false, summary: 'A dead node cannot leave. Remove it instead.', details: none },
  last_member: { status: 409, retryable: false, summary: 'No other node could take over what this one has.', details: none },
  no_majority: {
    status: 409,
    retryable: false,
    summary: 'Without that node a slot would have no majority for good. Bring others back first.',
    details: none,
  },
  cannot_lead: {
    status: 409,
    retryable: false,
    summary: 'Nobody who was asked for can lead that now: it has no replica, or is not active.',
    details: none,
  },
  unsupported: { status: 409, retryable: false, summary: 'A cluster that keeps everything in Redis does this by itself.', details: none },
  request_timeout: { status: 408, retryable: true, summary: 'The request did not arrive in time.', details: none },
  payload_too_large: { status: 413, retryable: false, summary: 'The body is larger than this service takes.', details: none },
  uri_too_long: { status: 414, retryable: false, summary: 'A part of the path is longer than any name can be.', details: none },
  unsupported_media_type: { status: 415, retryable: false, summary: 'The body is not `application/json`.', details: none },
  headers_too_large: { status: 431, retryable: false, summary: 'The headers are larger than this service takes.', details: none },
  certificate_refused: {
    status: 403,
    retryable: false,
    summary: 'This node is for those who show a certificate of its CA, and none was shown, or another.',
    details: none,
  },
  https_required: { status: 426, retryable: false, summary: 'HTTP was spoken where HTTPS is. Use an `https` URL.', details: none },
  overloaded: { status: 429, retryable: true, summary: 'This node has as much to do as it can take.', details: retryLater },
  rate_limited: {
    status: 429,
    retryable: true,
    summary: 'The token, or where there is none the address, asks for more than it may. Nothing was carried out.',
    details: retryLater,
  },
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

/** Of a lock that too many wait for, and of a queue with too many messages. */
export const queueFull = {
  status: 429,
  retryable: true,
  summary: 'As many requests wait for that resource, or as many messages are in that queue, as may.',
  details: retryLater,
} as const satisfies ErrorEntry

/** How a call of any service may end that has to do with the cluster rather than with the call. */
export const serviceErrors = ['no_leader', 'unavailable', 'overloaded', 'stopping', 'unknown', 'disk_full', 'internal'] as const
