import { connect } from '#index.ts'
import type { Message } from '#index.ts'

/**
 * A process that receives two messages, and tells in lines of JSON what it knows: their payloads; and, when it finds that it has slept, what it sees
 * in its first moment and at the end of its first turn, and what its ack comes to.
 */
const [urls = '', visibilityMs = ''] = process.argv.slice(2)
const visibilityTimeoutMs = Number(visibilityMs)
const sync = await connect({ queue: urls.split(','), clientId: 'sleeper' })
const jobs = sync.queue<string>('jobs')
const next = async (): Promise<Message<string>> => {
  for (;;) for (const message of await jobs.receive({ waitMs: 10_000, visibilityTimeoutMs })) return message
}
const [asked, listened] = [await next(), await next()]
// Looked at from now on without the message, which would look at the clock.
const { signal } = listened
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const codeOf = (error: unknown): string => String((error as { code?: string }).code)
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  const slept = now - last
  last = now
  // Its leases had begun before it slept, and whoever wakes it does so when they are over.
  if (slept < visibilityTimeoutMs / 2) return
  clearInterval(timer)
  const { isHeld } = asked
  // What was due is called in the turn that ends with this.
  setTimeout(() => {
    const seen = { isHeld, aborted: signal.aborted, reason: codeOf(signal.reason) }
    void asked.ack().then(
      () => say({ ...seen, ack: 'done' }),
      (error: unknown) => say({ ...seen, ack: codeOf(error) }),
    )
  }, 0)
}, 5)
say({ asked: asked.payload, listened: listened.payload })
