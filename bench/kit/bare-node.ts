import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'

/**
 * The least a replicated write can cost in Node: no protocol, no log, no checks. A leader passes a command on to two followers, each of the
 * three writes it to a file in place and syncs it, and the leader answers after itself and one follower. Ten times a second it says hello.
 *
 *     node bare-node.ts FOLDER [FOLLOWER-PORT FOLLOWER-PORT]      its own port is its first message to its parent
 */
const frameBytes = 128
const beatMs = 100
const kinds = { command: 1, beat: 2, answer: 3 } as const
const [folder = '.', ...followers] = process.argv.slice(2)

const pageBytes = 4_096
const pages = 1_024
const descriptor = openSync(join(folder, `bare-${process.pid}`), 'w')
writeSync(descriptor, Buffer.alloc(pages * pageBytes))
fsyncSync(descriptor)
let written = 0

function store(frame: Buffer): void {
  writeSync(descriptor, frame, 0, frame.length, (written++ % pages) * pageBytes)
  fdatasyncSync(descriptor)
}

function eachFrame(socket: Socket, handle: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.setNoDelay()
  socket.on('data', (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (; rest.length >= frameBytes; rest = rest.subarray(frameBytes)) handle(rest.subarray(0, frameBytes))
  })
  socket.on('error', () => socket.destroy())
}

const answerOf = (kind: number): Buffer => Buffer.alloc(frameBytes, kind)

/** Connections to the followers, and whoever waits for the command under way. */
let client: Socket | null = null
let acknowledged = 0
const links = followers.map((port) => {
  const link = connect(Number(port), '127.0.0.1')
  eachFrame(link, (frame) => {
    if (frame[0] === kinds.answer && ++acknowledged === 1) client?.write(frame)
  })
  return link
})
const beat = Buffer.alloc(frameBytes, kinds.beat)
if (links.length > 0) {
  setInterval(() => {
    for (const link of links) link.write(beat)
  }, beatMs)
}

const server = createServer((socket) => {
  eachFrame(socket, (frame) => {
    if (frame[0] === kinds.beat) {
      socket.write(beat)
      return
    }
    client = socket
    acknowledged = 0
    for (const link of links) link.write(frame)
    store(frame)
    if (links.length === 0) socket.write(answerOf(kinds.answer))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? address?.port : null)
})
process.on('disconnect', () => {
  closeSync(descriptor)
  process.exit()
})
