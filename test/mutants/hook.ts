import { registerHooks } from 'node:module'
import process from 'node:process'
import { replaceOnce } from './replace-once.ts'

/**
 * Loaded with `--import` before anything else: plants one fault in one file as it is loaded, before its types are stripped. Production
 * code has no switches for this, and the file on disk stays as it is.
 */
export interface Edit {
  /** Of the file. */
  readonly url: string
  readonly original: string
  readonly mutated: string
}

export const editVariable = 'LOCKSTEP_MUTANT'

/** A fault in a file that nobody loads proves nothing. */
export const planted = { loaded: false }

const text = process.env[editVariable]
if (text !== undefined) plant(JSON.parse(text) as Edit)

function plant({ url: target, original, mutated }: Edit): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== target) return loaded
      planted.loaded = true
      const { source } = loaded
      if (source === undefined || source === null) throw new Error(`no source of ${url}`)
      const whole = typeof source === 'string' ? source : new TextDecoder().decode(source)
      return { ...loaded, source: replaceOnce(whole, original, mutated) }
    },
  })
}
