import { randomBytes, createHash } from 'node:crypto'
import { accessLimits as limits } from '#api/access/limits.ts'
import type { TokenEntry } from '#api/access/token-file.ts'
import { isPrefix, tokenNamePattern } from '#api/access/token-file.ts'
import { defineCommand } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import type { Flag } from '#cli/flags/flag.ts'
import { duration, patternText, required, text, toggle } from '#cli/flags/kinds.ts'
import { errorScreen, printJson, screen } from '#cli/output/terminal.ts'
import { addToken } from '#cli/token/add-token.ts'
import { isRole, roles } from '#core/access/roles.ts'

const help = `Draws a token and prints it, this once: only its hash is kept. With --file its entry is put into that file, which is made if it is not there; nodes that were started with
'--tokens FILE' read it within a second. Without --file the entry is printed too, to be put into the list of a file: {"tokens": [ENTRY, ENTRY]}.

Roles: admin (everything), lock, produce, consume, cache-read, cache-write. Whoever has a token of whatever role may look at the state of the cluster.

Examples:
  lockstep token create --name ci --role lock --prefix ci- --file tokens.json
  lockstep token create --name shop --role produce --role consume --expires 2160h
  LOCKSTEP_TOKEN=$(lockstep token create --name me --role admin --file tokens.json) lockstep status

Exit codes: 0 done, 1 the file has a mistake, or a token of that name, 2 wrong flags`

const dayMs = 86_400_000

/** Given several times, or several between commas. */
const texts = (placeholder: string, description: string): Flag<readonly string[]> => ({
  placeholder,
  description,
  repeatable: true,
  read: ({ texts: given }) => [...new Set(given.flatMap((each) => each.split(',')).filter((part) => part !== ''))],
})

export const tokenCommand: Command = defineCommand({
  name: 'token',
  summary: 'make a token for clients of a cluster',
  operands: 'create',
  help,
  flags: {
    name: required(
      patternText('NAME', 'what logs call it', {
        pattern: tokenNamePattern,
        rule: `1 to ${limits.nameLengthMax} letters, digits, dots, dashes and underscores`,
      }),
    ),
    role: texts('ROLE,…', `what it is for: ${roles.join(', ')}`),
    prefix: texts('PREFIX,…', 'resources, queues and keys that it may touch begin with one of these; all by default'),
    expires: duration('DURATION', 'from now, such as 12h; never by default', { min: 1_000, max: 3_650 * dayMs }),
    file: text('FILE', 'the file of --tokens, to which it is added'),
    json: toggle('print JSON, for programs'),
  },
  read({ name, role, prefix, expires, file = null, json }, [verb, ...more], mistakes) {
    if (verb !== 'create' || more.length > 0) mistakes.push('the VERB must be create, and nothing may follow it')
    const unknown = role.filter((each) => !isRole(each))
    if (role.length === 0 || unknown.length > 0)
      mistakes.push(`--role must be given, of ${roles.join(', ')}${unknown.length > 0 ? `; wrong: ${unknown.join(', ')}` : ''}`)
    if (prefix.length > limits.prefixesMax || !prefix.every(isPrefix))
      mistakes.push(
        `--prefix must be at most ${limits.prefixesMax} texts of up to ${limits.prefixBytesMax} bytes, without control characters`,
      )
    const end = expires === undefined ? {} : { expires: new Date(Date.now() + expires).toISOString() }
    return { about: { name, roles: role, ...(prefix.length === 0 ? {} : { prefixes: prefix }), ...end }, file, json }
  },
  async run({ about: { name, ...rights }, file, json }) {
    // So long that its hash says nothing about it. The beginning tells people, and who looks for secrets in files, what it is.
    const token = `lockstep_${randomBytes(32).toString('base64url')}`
    const entry: TokenEntry = { name, sha256: createHash('sha256').update(token).digest('hex'), ...rights }
    if (file !== null) await addToken(file, entry)
    if (json) printJson({ token, entry })
    else screen.print(file === null ? `${token}\n${JSON.stringify(entry)}\n` : `${token}\n`)
    if (!json && screen.isTerminal)
      errorScreen.print(`keep the token: it is nowhere else${file === null ? '' : `; its entry is in ${file}`}\n`)
    return exitCodes.done
  },
})
