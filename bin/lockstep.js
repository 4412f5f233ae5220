#!/usr/bin/env node
// Written so that any version of Node.js can read it, and an old one can say what is missing.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'

const sources = new URL('../src/main.ts', import.meta.url)
const isClone = existsSync(sources)
// In a clone the sources run as they are; the package has them compiled.
const needed = isClone ? '24.0' : '20.11'
/** @param {string} version */
const rank = (version) =>
  version
    .split('.')
    .slice(0, 2)
    .reduce((sum, part) => sum * 1_000 + Number(part), 0)
if (rank(process.versions.node) < rank(needed)) {
  const hint = isClone ? ': in a clone, `npm ci` installs it, and `npm start` and `npx lockstep` use it' : ''
  process.stderr.write(
    `lockstep: Node.js ${needed} or newer is needed, and this is ${process.versions.node} (${process.execPath})${hint}.\n`,
  )
  process.exit(78)
}
nodeModule.enableCompileCache?.()
await import(isClone ? sources.href : '../dist/main.js')
