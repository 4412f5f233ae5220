import { connect } from '#index.ts'

/**
 * A process that holds two locks, and tells in lines of JSON what it knows: their tokens; and, when it finds that it has slept, what it sees
 * in its first moment, and at the end of its first turn.
 */
const [urls = '', sessionTtlMs = ''] = process.argv.slice(2)
const sync = await connect({ lock: urls.split(','), clientId: 'sleeper', sessionTtlMs: Number(sessionTtlMs) })
const [asked, listened] = [await sync.lock('asked'), await sync.lock('listened')]
// Looked at from now on without the lock, which would look at the clock.
const { signal } = listened
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
let last = performance.now()
const timer = setInterval(() => {
  const now = performance.now()
  const slept = now - last
  last = now
  // Its session was last kept alive a while before it was stopped, and another may hold the locks, and have woken it, before a whole lease.
  if (slept < Number(sessionTtlMs) / 2) return
  clearInterval(timer)
  const isHeld = asked.isHeld()
  // What was due is called in the turn that ends with this.
  setTimeout(
    () => say({ isHeld, lost: asked.lost, aborted: signal.aborted, reason: String((signal.reason as { code?: string })?.code) }),
    0,
  )
}, 5)
say({ asked: asked.fencingToken, listened: listened.fencingToken })
