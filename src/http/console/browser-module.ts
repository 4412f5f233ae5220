import * as nodeModule from 'node:module'

/** A module as a browser takes it. */
export interface BrowserModule {
  readonly text: string
  /** What it imports, as its source says it. */
  readonly imports: readonly string[]
}

const importing = /(?<before>\b(?:from|import)\s*)(?<quote>["'])(?<specifier>[^"'\n]+)\k<quote>/g

/** Without types, and with each import as `nameOf` says; a browser knows neither `#base/…` nor packages. */
export function browserModule(source: string, nameOf: (specifier: string) => string): BrowserModule {
  const imports: string[] = []
  const text = source.replaceAll(importing, (_whole, before: string, quote: string, specifier: string) => {
    imports.push(specifier)
    return `${before}${quote}./${nameOf(specifier)}${quote}`
  })
  return { text: text.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '').trim(), imports: [...new Set(imports)] }
}

/** TypeScript without its types. What was only imported for its type is not imported any more. */
export function withoutTypes(source: string): string {
  // The version of Node.js is pinned where sources are run as they are, so what may change in a later one is no news to whoever runs this.
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return nodeModule.stripTypeScriptTypes(source).replaceAll(/[ \t]+$/gm, '')
  } finally {
    process.emitWarning = emitWarning
  }
}
