#!/usr/bin/env node
// Written so that any version of Node.js can read it, and an old one can say what is missing.
import * as nodeModule from 'node:module'

const needed = 24
if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `lockstep: Node.js ${needed} or newer is needed, and this is ${process.versions.node} (${process.execPath}): ` +
      'in a clone, `npm ci` installs it, and `npm start` and `npx lockstep` use it.\n',
  )
  process.exit(78)
}
nodeModule.enableCompileCache?.()
await import('../src/main.ts')
