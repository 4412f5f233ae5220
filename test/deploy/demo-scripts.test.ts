import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

/** The script for Windows cannot run where these tests do: it is held against what is known of PowerShell, and against the other one, which runs. */

const root = join(import.meta.dirname, '..', '..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

const code = (script: string): string => script.replaceAll(/^\s*#.*$/gm, '').trim()

/** What PowerShell 5, which comes with Windows, understands and is wanted here; the test looks at each statement. */
const statements = [
  /^Set-Location \$PSScriptRoot$/,
  /^if \(-not \(Test-Path [\w/]+\)\)$/,
  /^if \(\$LASTEXITCODE -ne 0\)$/,
  /^npm ci$/,
  /^npx --no-install lockstep \w+( @args)?$/,
  /^exit \$LASTEXITCODE$/,
]

function mistakesIn(script: string): readonly string[] {
  const mistakes: string[] = []
  const open: string[] = []
  const closing: Readonly<Record<string, string>> = { '}': '{', ')': '(' }
  for (const sign of code(script)) {
    if (sign === '{' || sign === '(') open.push(sign)
    else if (sign in closing && open.pop() !== closing[sign]) mistakes.push(`${sign} closes nothing`)
  }
  if (open.length > 0) mistakes.push(`${open.join(' ')} is not closed`)
  const parts = code(script).split(/[;{}\n]/)
  for (const part of parts.map((each) => each.trim())) {
    if (part !== '' && !statements.some((known) => known.test(part))) mistakes.push(`not known: ${part}`)
  }
  return mistakes
}

const callsIn = (script: string): readonly string[] =>
  [...code(script).matchAll(/\b(?:npm|npx) [\w -]+/g)].map(([call]) => call.replace(/ exit.*/, '').trim())

test('the script of the demo for Windows is PowerShell, and does what the other does', () => {
  const [windows, unix] = [read('demo_script.ps1'), read('demo_script.sh')]
  deepEqual(mistakesIn(windows), [])
  deepEqual(callsIn(windows), ['npm ci', 'npx --no-install lockstep demo'])
  deepEqual(callsIn(windows), callsIn(unix))
  // Both go to where they lie, pass on what they are given, and end as the demo does.
  ok(windows.includes('Set-Location $PSScriptRoot\n') && unix.includes('cd "$(dirname "$0")"'))
  ok(windows.includes('lockstep demo @args\nexit $LASTEXITCODE') && /exec .* demo "\$@"/.test(unix))
  ok(!windows.includes('\r') && (statSync(join(root, 'demo_script.sh')).mode & 0o111) === 0o111)
})

test('what is no PowerShell is found', () => {
  const script = read('demo_script.ps1')
  const spoiled = [
    script.replace(' }', ''),
    script.replace('(-not (', '(-not '),
    script.replace('@args', '"$@"'),
    script.replace('; if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }', ' || exit 1'),
    script.replace('Set-Location $PSScriptRoot', 'cd "$(dirname "$0")"'),
    script.replace('npx', 'exec npx'),
  ]
  for (const one of spoiled) ok(one !== script && mistakesIn(one).length > 0, one)
})
