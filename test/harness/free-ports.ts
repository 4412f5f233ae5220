import { createServer } from 'node:net'

/**
 * Below the ports that the system gives to outgoing connections, any of which could otherwise take a port before who is to listen there has
 * started. Each process has a range of its own, as test files run beside each other.
 */
const range = { first: 10_000, each: 50, processes: 440 }
let taken = 0

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let tried = 0; ports.length < count; tried++) {
    if (tried > 2 * range.each) throw new Error(`there are no ${count} free ports`)
    const port = range.first + (process.pid % range.processes) * range.each + (taken++ % range.each)
    if (!ports.includes(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
