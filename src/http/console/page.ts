import { extname } from 'node:path'
import type { ConsoleFiles } from './files.ts'
import { entryFile } from './files.ts'

/** The page without what a script puts into it. */
export function consolePage({ build, files }: ConsoleFiles): string {
  const at = (name: string): string => `/console/files/${build}/${name}`
  const named = (extension: string): readonly string[] => [...files.keys()].filter((name) => extname(name) === extension).toSorted()
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lockstep</title>
<link rel="icon" type="image/svg+xml" href="${at('icon.svg')}">
${named('.css')
  .map((name) => `<link rel="stylesheet" href="${at(name)}">`)
  .join('\n')}
${named('.js')
  .map((name) => `<link rel="modulepreload" href="${at(name)}">`)
  .join('\n')}
<script type="module" src="${at(entryFile)}"></script>
</head>
<body><div id="console"></div><noscript>This page needs JavaScript. What it shows is also in GET /cluster, /status and /locks.</noscript></body>
</html>
`
}

/** Scripts and styles of this node only; calls to the nodes that it shows and to nobody else. */
export const pageHeaders = (origins: readonly string[]): Readonly<Record<string, string>> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${["'self'", ...origins].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-cache',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
})
