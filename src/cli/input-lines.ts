import { CommandError } from './command-error.ts'
import { exitCodes } from './exit-codes.ts'

/** Lines of a stream of text in UTF-8; throws for bytes that are none, which would come out as something else. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of input) {
    const [first = '', ...more] = decoded(decoder, chunk).split('\n')
    rest += first
    for (const line of more) {
      yield withoutReturn(rest)
      rest = line
    }
  }
  rest += decoded(decoder, null)
  if (rest !== '') yield withoutReturn(rest)
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

function decoded(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array | null): string {
  try {
    return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch {
    throw new CommandError(exitCodes.usage, 'standard input is no text in UTF-8')
  }
}
