import type { LockQuestion, LockView } from './lock-questions.ts'

/** Questions and views as JSON: they stay within a cluster of one version, are in no log, and become JSON anyway. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const encodeJson = (value: object): Uint8Array => encoder.encode(JSON.stringify(value))
export const decodeJson = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))

export const encodeQuestion = (question: LockQuestion): Uint8Array => encodeJson(question)
/** Of bytes that a node of this cluster has made. */
export const decodeQuestion = (bytes: Uint8Array): LockQuestion => decodeJson(bytes) as LockQuestion

export const encodeView = (view: LockView): Uint8Array => encodeJson(view)
export const decodeView = (bytes: Uint8Array): LockView => decodeJson(bytes) as LockView
