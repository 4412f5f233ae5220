import type { RawPlaces } from '#api/route.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { JsonScanner } from './json-scanner.ts'

/**
 * JSON of which some values are kept as their very bytes. What is between those is cut out with a number in the place of each, and read as any
 * JSON is; so no number is rounded, no field moved and no space lost in them, and a large value is not made into objects only to be written
 * again.
 *
 *     {"queue": "q", "message": {"a": 1e400}}        {"queue": "q", "message": 0}        0: {"a": 1e400}
 */
export function readRawJson(bytes: Buffer, places: RawPlaces): unknown {
  const cut = new Cutter(bytes)
  cut.document(places)
  return filled(JSON.parse(cut.envelope()), places, cut.slices)
}

class Cutter {
  readonly slices: JsonBytes[] = []
  readonly #bytes: Buffer
  readonly #scanner: JsonScanner
  #envelope = ''
  #from = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#scanner = new JsonScanner(bytes)
    this.#from = this.#scanner.at
  }

  document(places: RawPlaces): void {
    this.#scanner.space()
    this.#value(places)
    this.#scanner.end()
  }

  /** Once all of the document was seen. */
  envelope(): string {
    return this.#envelope + this.#bytes.toString('utf8', this.#from)
  }

  #value(places: RawPlaces): void {
    const scanner = this.#scanner
    if (places === 'raw') {
      const from = scanner.at
      scanner.value()
      this.#cut(from, scanner.at)
    } else if ('fields' in places) {
      const { fields } = places
      if (scanner.isObject()) {
        scanner.members((name) => {
          const inner = Object.hasOwn(fields, name) ? fields[name] : undefined
          if (inner === undefined) scanner.value()
          else this.#value(inner)
        })
      } else scanner.value()
    } else if (scanner.isList()) scanner.items(() => this.#value(places.items))
    else scanner.value()
  }

  #cut(from: number, to: number): void {
    this.#envelope += `${this.#bytes.toString('utf8', this.#from, from)}${this.slices.length}`
    this.#from = to
    // The scanner has seen that it is one value.
    this.slices.push(this.#bytes.subarray(from, to) as Uint8Array as JsonBytes)
  }
}

/** With the raw values back in their places. Of a field that is there twice both have numbers, and the last one counts, as always. */
function filled(value: unknown, places: RawPlaces, slices: readonly JsonBytes[]): unknown {
  if (places === 'raw') return slices[value as number]
  if (typeof value !== 'object' || value === null) return value
  if ('fields' in places) {
    const object = value as Record<string, unknown>
    if (Array.isArray(value)) return value
    for (const [name, inner] of Object.entries(places.fields)) {
      if (Object.hasOwn(object, name)) object[name] = filled(object[name], inner, slices)
    }
    return object
  }
  return Array.isArray(value) ? value.map((item) => filled(item, places.items, slices)) : value
}

/** As `JSON.stringify`, with raw values as their bytes are. */
export function writeRawJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  if (Array.isArray(value)) return `[${value.map((item) => writeRawJson(item)).join(',')}]`
  let fields = ''
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) fields += `${fields === '' ? '' : ','}${JSON.stringify(name)}:${writeRawJson(field)}`
  }
  return `{${fields}}`
}
