import { Type } from '#api/type.ts'
import { boolean, closed, count, durationMs, integer, jsonValue, nullable, oneOf, optional, text } from '#api/schemas.ts'
import { cacheApiLimits as limits, cacheDefaults as defaults } from './limits.ts'

/** What cache requests and answers share. */

export const key = text(limits.keyBytesMax, {
  pattern: '^\\P{Cc}*$',
  description: 'Any text without control characters. In a path, `/` is written `%2F`.',
  examples: ['user_123'],
})
export const value = jsonValue({
  description: 'Any JSON. It is read byte for byte as it was written.',
  examples: [{ name: 'Alice', score: 95 }],
})

export const lineState = oneOf(['M', 'E', 'S', 'I'], {
  description:
    'Of the line on this node: `M` it wrote the value and has the only copy, `E` it has the only copy, `S` others may have one too, `I` it keeps none.',
})
export const version = Type.String({
  pattern: '^\\d{1,15}\\.\\d{1,15}\\.\\d{1,15}$',
  description: 'Of the value. Another write makes another version; otherwise it means nothing.',
  examples: ['3.17.0'],
})
export const hit = boolean({ description: 'This node had the line, and asked nobody.' })
const invalidated = count({
  description:
    'How many agents, on other nodes or in other processes, were told to drop their copies; with `--cache-snoop broadcast` all of them are.',
})

export const ack = oneOf(['replicated', 'owner'], {
  default: defaults.ack,
  description:
    '`replicated`: answered when a majority has it on disk. `owner`: answered at once if this node owns the line; lost if this process dies within about 100 ms, though nobody else has seen it then. What has a life, a condition or an `operation_id` is always `replicated`.',
})
export const ttlMs = durationMs(1, limits.ttlMsMax, { description: 'The value is absent for everybody after so long.' })
export const ifVersion = { ...version, description: 'Only if the value has this version still.' }
export const ifAbsent = boolean({ description: 'Only if there is no value.' })
export const by = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, {
  default: defaults.by,
  description: 'To be added; an absent value counts as 0.',
})

export const identity = {
  operation_id: optional(
    text(limits.operationIdBytesMax, {
      description:
        'Names this change. Sent again under it, within a minute, it is not carried out again: the answer is that of the first time.',
    }),
  ),
  retry: optional(
    boolean({
      description:
        'It may have been sent before, perhaps long ago: when nothing is known of its id it is not carried out but answered `unknown`.',
    }),
  ),
} as const

export const changedFields = { state: lineState, version, invalidated } as const

/** How one of many failed: the fields of every error, without the details of its code. */
export const itemError = closed(
  {
    code: Type.String({ description: 'As of the error of a call for one.', examples: ['version_mismatch'] }),
    message: Type.String({ description: 'For people; may change.' }),
    retryable: Type.Boolean(),
    version: optional(nullable(version)),
  },
  { title: 'CacheItemError' },
)
