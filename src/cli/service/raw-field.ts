/** Parts of JSON as they are written, so that no number of them is rounded. The text must be JSON: it has been parsed. */

/** A field of an object; null when there is none. */
export function rawField(object: string, name: string): string | null {
  for (const member of rawParts(object)) {
    const [key = ''] = /^"(?:[^"\\]|\\.)*"/.exec(member) ?? []
    if (JSON.parse(key) === name) return member.slice(key.length).replace(/^\s*:/, '').trim()
  }
  return null
}

/** The items of a list. */
export const rawItems = (list: string): readonly string[] => [...rawParts(list)]

/** What is between the commas of an object or list. */
function* rawParts(text: string): Generator<string> {
  let depth = 0
  let from = 0
  for (const { index, 0: token } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const isEnd = token === '}' || token === ']'
    if (depth === 1 && (token === ',' || isEnd)) {
      const part = text.slice(from, index).trim()
      if (part !== '') yield part
      from = index + 1
    }
    if (isEnd) depth--
    else if (token === '{' || token === '[') {
      depth++
      if (depth === 1) from = index + 1
    }
  }
}
