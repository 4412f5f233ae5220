import type { RefusalCode, Refused } from './types.ts'

export const refuse = (code: RefusalCode, detail = ''): Refused => ({ type: 'refused', code, detail })
