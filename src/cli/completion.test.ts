import { deepEqual, match } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { toggle } from '#cli/flags/kinds.ts'
import { completionScript } from './completion.ts'

const commands = [
  { name: 'up', summary: "the machine's nodes", flags: { fresh: toggle(''), 'port-offset': toggle('') } },
  { name: 'cache', summary: 'values', flags: { json: toggle('') }, words: ['get', 'set'] },
]

test('bash completes commands, their first words and their flags', { skip: process.platform === 'win32' }, () => {
  const script = completionScript('bash', commands)
  const completed = (...words: readonly string[]): readonly string[] => {
    const line = words.map((word) => `'${word}'`).join(' ')
    const ask = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _lockstep; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('bash', ['--norc', '-c', ask], { encoding: 'utf8' })
    return out.split('\n').filter((each) => each !== '')
  }
  deepEqual(completed('lockstep', 'u'), ['up'])
  deepEqual(completed('lockstep', 'up', '--f'), ['--fresh'])
  deepEqual(completed('lockstep', 'cache', ''), ['get', 'set'])
  deepEqual(completed('lockstep', 'cache', 'get', '--j'), ['--json'])
  deepEqual(completed('lockstep', 'cache', 'get', ''), [])
  deepEqual(completed('lockstep', 'nobody', '--'), [])
})

test('fish is told each command with its summary, and zsh has what bash has', () => {
  const fish = completionScript('fish', commands)
  match(fish, /^complete -c lockstep -n __fish_use_subcommand -a up -d 'the machine\\'s nodes'$/m)
  match(fish, /^complete -c lockstep -n '__fish_seen_subcommand_from cache' -a 'get set'$/m)
  match(fish, /^complete -c lockstep -n '__fish_seen_subcommand_from up' -l port-offset$/m)
  match(completionScript('zsh', commands), /bashcompinit[^]*complete -o default -F _lockstep lockstep\n$/)
})
