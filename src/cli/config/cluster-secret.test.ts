import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { bindingMistake, clusterSecret } from './cluster-secret.ts'

test('a node without a secret listens on this machine alone, unless that is wanted', () => {
  const open = { listen: '0.0.0.0:8001', hasSecret: false, insecure: false }
  match(bindingMistake(open) ?? '', /^--listen 0\.0\.0\.0:8001 lets other machines in.*LOCKSTEP_SECRET or --secret-file.*--insecure$/)
  for (const listen of ['10.0.0.1:1', 'lock-node-1:8001', '127.example.com:1'])
    match(bindingMistake({ ...open, listen }) ?? '', /--listen/, listen)
  for (const listen of ['127.0.0.1:8001', 'localhost:8001', '127.9.9.9:1']) equal(bindingMistake({ ...open, listen }), null, listen)
  equal(bindingMistake({ ...open, hasSecret: true }), null)
  equal(bindingMistake({ ...open, insecure: true }), null)
})

test('a secret in a file is all of it but a line break at the end', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  const read = (content: string): readonly unknown[] => {
    writeFileSync(path, content)
    const mistakes: string[] = []
    return [clusterSecret({ secret: undefined, file: path, origin: 'SECRET_FILE' }, mistakes), mistakes]
  }
  for (const content of ['geheim', 'geheim\n', 'geheim\r\n']) deepEqual(read(content), ['geheim', []])
  deepEqual(read(' ge heim \n\n'), [' ge heim \n', []])
  for (const content of ['', '\n']) deepEqual(read(content)[1], [`SECRET_FILE: ${path} is empty`])
})

test('a secret that cannot be read, or is said twice, is a mistake', () => {
  const mistakes: string[] = []
  equal(clusterSecret({ secret: 'a', file: undefined, origin: '' }, mistakes), 'a')
  equal(clusterSecret({ secret: undefined, file: undefined, origin: '' }, mistakes), null)
  deepEqual(mistakes, [])
  equal(clusterSecret({ secret: 'a', file: '/nowhere/at/all', origin: '--secret-file' }, mistakes), null)
  equal(mistakes[0], '--secret and --secret-file both say what the secret is: one of them')
  match(mistakes[1] ?? '', /^--secret-file: \/nowhere\/at\/all cannot be read: ENOENT/)
})
