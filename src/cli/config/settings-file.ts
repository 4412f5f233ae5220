import { readFileSync } from 'node:fs'
import type { Given, Layers } from '#cli/flags/flag.ts'

/** Settings in a file of JSON, an object with the names of flags. What is wrong with it is added to `mistakes`. */
export function settingsFile(path: string, flags: readonly string[], mistakes: string[]): Layers {
  const content = parsed(path, mistakes)
  if (content === null) return new Map()
  const layers = new Map<string, Given>()
  for (const [flag, value] of Object.entries(content)) {
    const name = `${path}: ${flag}`
    const text = textOf(value)
    if (!flags.includes(flag)) mistakes.push(`${name} is no setting: they are named as the flags are`)
    else if (text === null) mistakes.push(`${name} must be a text, a number, true or false, or a list of texts`)
    else layers.set(flag, { name, texts: [text] })
  }
  return layers
}

function parsed(path: string, mistakes: string[]): object | null {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content
    mistakes.push(`${path} must be an object of JSON`)
  } catch (error) {
    const { message } = error instanceof Error ? error : { message: '' }
    mistakes.push(error instanceof SyntaxError ? `${path} is not JSON${placeIn(message)}` : `${path} cannot be read: ${message}`)
  }
  return null
}

/** Where the mistake is. All else that the message says may quote a secret that stands nearby. */
const placeIn = (message: string): string => / \(line \d+ column \d+\)$/.exec(message)?.[0] ?? ''

function textOf(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')
  return isList ? value.join(',') : null
}
