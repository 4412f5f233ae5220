import { isFree } from '#cli/ports/port-holder.ts'

/** One for `lockstep up` that moves all ports to free ones. */
export async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = 2_000 + Math.floor(Math.random() * 20_000)
    const free = await Promise.all(
      [8001, 8002, 8003].flatMap((port) => [port, port + 1_000, port - 1_000]).map((port) => isFree(port + offset)),
    )
    if (free.every(Boolean)) return offset
  }
}
