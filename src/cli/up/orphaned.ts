/**
 * Calls once whoever began this process has ended, when that was npm: `npm start` runs a shell that runs this, and npm
 * passes a signal on to the shell only, which dies of it and tells nobody. Anybody else may well begin something that outlives them. The result ends
 * the watch.
 */
export function whenOrphanedByNpm(call: () => void): () => void {
  if (process.env['npm_lifecycle_event'] === undefined) return () => {}
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    call()
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}

const lookMs = 500
