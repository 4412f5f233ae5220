import { millis, wallMillis } from '#base/brand.ts'
import type { Cancel, Clock } from '#ports/clock.ts'

/** A longer delay would make Node's timer fire at once. */
const timerMsMax = 2 ** 31 - 1

/** The monotonic clock shows the wall's time at the start of the process, within a minute: rounds of heartbeats begin together on all nodes. */
const origin = performance.timeOrigin % 60_000

/** The machine's own clocks and timers. */
export const systemClock: Clock = {
  now: () => millis(origin + performance.now()),
  wall: () => wallMillis(Date.now()),
  after,
  soon(call) {
    setImmediate(call)
  },
}

/**
 * Node counts whole milliseconds from a time that may be a little past, so a timer gets one more, and the time is looked at once more when it fires. A timer that is due stands in line
 * behind what was to come `soon`.
 */
function after(delayMs: number, call: () => void): Cancel {
  const due = performance.now() + delayMs
  const arm = (leftMs: number): NodeJS.Timeout => setTimeout(check, Math.min(Math.ceil(leftMs) + 1, timerMsMax))
  let timer = arm(delayMs)
  let turn: NodeJS.Immediate | undefined
  function check(): void {
    const leftMs = due - performance.now()
    if (leftMs <= 0) turn = setImmediate(call)
    else timer = arm(leftMs)
  }
  return () => {
    clearTimeout(timer)
    clearImmediate(turn)
  }
}
