import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Where a command writes. Colours are for a terminal, unless NO_COLOR is set. */
export interface Screen {
  readonly isTerminal: boolean
  /** Columns; Infinity where lines may be as long as they want. */
  readonly width: number
  print(text: string): void
  paint(style: Style, text: string): string
}

export const screen: Screen = screenOf(process.stdout)
/** For people, while standard output may be read by a program. */
export const errorScreen: Screen = screenOf(process.stderr)

function screenOf(stream: NodeJS.WriteStream): Screen {
  const isTerminal = stream.isTTY
  return {
    isTerminal,
    width: isTerminal ? stream.columns : Infinity,
    print: (text) => void stream.write(text),
    paint: (style, text) => styleText(style, text, { stream }),
  }
}

/** Resolves when what was printed has left this process, whose end would take the rest along: a pipe may be full, and who reads it slow. */
export async function printed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => void stream.write('', () => resolve()))),
  )
}

export const printJson = (value: unknown): void => screen.print(`${JSON.stringify(value, null, 2)}\n`)
