import { millis } from './brand.ts'
import type { Millis } from './brand.ts'

/** The first multiple of `everyMs` after now. What is due at such moments is due together: an idle process wakes once for all of it. */
export const nextMultiple = (now: Millis, everyMs: number): Millis => millis((Math.floor(now / everyMs) + 1) * everyMs)
