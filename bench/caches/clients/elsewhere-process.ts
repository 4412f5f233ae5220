import type { ElsewhereAnswered, ElsewhereAsked } from './elsewhere.ts'
import { connectClient } from './kinds.ts'
import type { ClientKind, Program } from './kinds.ts'

/** The process of an `Elsewhere`: says when its client is connected, and then what it reads. */
interface Given {
  readonly kind: ClientKind
  readonly addresses: readonly string[]
  readonly program: Program
}

const { kind, addresses, program } = JSON.parse(process.argv[2] ?? '') as Given
const client = await connectClient(kind, addresses, program)

async function answerTo({ number, key }: ElsewhereAsked): Promise<ElsewhereAnswered> {
  try {
    return { number, value: (await client.get(key)) ?? null }
  } catch (error) {
    return { number, problem: error instanceof Error ? error.message : String(error) }
  }
}

process.on('message', (asked: ElsewhereAsked) => void answerTo(asked).then((answered) => process.send?.(answered)))
process.on('disconnect', () => process.exit())
process.send?.('connected')
