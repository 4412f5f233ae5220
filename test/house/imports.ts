export interface ImportStatement {
  readonly specifier: string
  readonly typeOnly: boolean
  readonly line: number
}

const statement = /^(?<keyword>import|export)(?<type>\s+type\b)?(?:\s[^'";=]*?\sfrom)?\s+'(?<specifier>[^']+)'/gm
const call = /\bimport\('(?<specifier>[^']+)'\)/g

/** Everything a module names: static and dynamic imports, re-exports. The formatter sees to it that statements begin a line. */
export function importsOf(text: string): readonly ImportStatement[] {
  return [...text.matchAll(statement), ...text.matchAll(call)].map((match) => ({
    specifier: match.groups?.['specifier'] ?? '',
    typeOnly: match.groups?.['type'] !== undefined,
    line: text.slice(0, match.index).split('\n').length,
  }))
}
