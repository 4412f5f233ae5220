/** The clients that one run drives; they share what a program would share. */
export interface LockClients extends AsyncDisposable {
  /** One that takes and gives back one lock at a time. */
  newClient(position: number): Promise<LockClient>
}

export interface LockClient {
  /** Waits for the lock. Null when `until`, a time of `performance.now()`, came first. */
  acquire(name: string, until: number): Promise<HeldLock | null>
}

export interface HeldLock {
  /** Larger than that of every earlier grant of the lock; null where the service has no such thing. */
  readonly token: number | null
  release(): Promise<void>
}

/** For services that refuse a lock instead of queueing for it: asks again after a rest of so many milliseconds, give or take chance. */
export async function retrying(
  attempt: () => Promise<HeldLock | null>,
  until: number,
  restMs: (attempt: number) => number,
): Promise<HeldLock | null> {
  for (let number = 0; performance.now() < until; number++) {
    const held = await attempt()
    if (held !== null) return held
    const left = Math.max(0, until - performance.now())
    await new Promise((resolve) => void setTimeout(resolve, Math.min(left, restMs(number))))
  }
  return null
}
