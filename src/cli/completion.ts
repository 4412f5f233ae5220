import type { Command } from './command.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]
type Completable = Pick<Command, 'name' | 'summary' | 'flags' | 'words'>

/** What a shell reads to complete command lines: names of commands, their first words and flags. It names no file and runs nothing. */
export function completionScript(shell: Shell, commands: readonly Completable[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      // Which understands functions of bash.
      return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
  }
}

const flagsOf = ({ flags }: Completable): readonly string[] => [...Object.keys(flags), 'help']

function bash(commands: readonly Completable[]): string {
  const cases = commands.map((command) => {
    const flags = flagsOf(command).map((flag) => `--${flag}`)
    return `    ${command.name}) flags='${flags.join(' ')}' words='${(command.words ?? []).join(' ')}' ;;`
  })
  return `_lockstep() {
  local current="\${COMP_WORDS[COMP_CWORD]}" flags='' words=''
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} help --help --version' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) [ "$COMP_CWORD" -eq 2 ] && [ -n "$words" ] && COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _lockstep lockstep
`
}

function fish(commands: readonly Completable[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, words = [] } = command
    const within = `complete -c lockstep -n '__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c lockstep -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", String.raw`\'`)}'`,
      ...(words.length === 0 ? [] : [`${within} -a '${words.join(' ')}'`]),
      ...flagsOf(command).map((flag) => `${within} -l ${flag}`),
    ]
  })
  return `${lines.join('\n')}\n`
}
