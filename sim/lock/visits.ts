import type { Holder, HolderPorts, Taken, Wish } from './holder.ts'

/** What a client that uses locks does with them: takes some, works under them, gives them back; and what goes wrong meanwhile. */
export async function visit(ports: HolderPorts, holder: Holder, leaseMs: number): Promise<Taken> {
  const { actor, options, did } = ports
  const { prng } = actor
  let taken = await holder.take(drawWishes(ports))
  if (taken === 'granted') taken = await work(ports, holder, leaseMs)
  if (taken === 'stuck') await holder.releaseAll()
  if (taken !== 'granted') return taken
  if (prng.chance(options.abandonShare)) {
    did('abandon')
    holder.held.clear()
    return 'refused'
  }
  await holder.releaseAll()
  return 'granted'
}

async function work(ports: HolderPorts, holder: Holder, leaseMs: number): Promise<Taken> {
  const { actor, options, did, isOver } = ports
  const { prng } = actor
  for (let step = prng.between(1, 4); step > 0 && holder.held.size > 0 && !isOver(); step--) {
    await actor.think(120)
    const [resource, held] = prng.pick([...holder.held])
    const luck = prng.float()
    if (luck < options.freezeShare) await oversleep(ports, holder, leaseMs)
    else if (luck < options.freezeShare + options.crashShare) {
      did('crash')
      actor.die()
    } else {
      const taken = await act(ports, holder, { resource, ...held })
      if (taken === 'stuck' || taken === 'session-lost') return taken
    }
  }
  return 'granted'
}

async function act(ports: HolderPorts, holder: Holder, held: Wish & { readonly token: number }): Promise<Taken> {
  const { actor, options, did } = ports
  const { resource, mode, token } = held
  const kind = actor.prng.float()
  if (kind < options.nestedShare && holder.held.size < 4) {
    const wish = drawWishes(ports).find((other) => !holder.held.has(other.resource))
    if (wish === undefined) return 'granted'
    did('nested')
    return holder.take([wish])
  }
  if (kind < 0.55 && mode === 'shared') {
    did('upgrade')
    return holder.take([{ resource, mode: 'exclusive' }])
  }
  if (kind < 0.7) await holder.extend(resource)
  else if (kind < 0.85) await holder.check(resource, token)
  else if (kind < 0.9) return holder.take([{ resource, mode }])
  else if (holder.held.size > 1) await holder.release(resource)
  return 'granted'
}

/** Longer than its lease, mostly: when it wakes up another may hold what it held, and its token must be refused. */
async function oversleep({ actor, did }: HolderPorts, holder: Holder, leaseMs: number): Promise<void> {
  const before = [...holder.held]
  did('freeze')
  actor.freeze(leaseMs * (0.5 + actor.prng.float()))
  await actor.sleep(1)
  for (const [resource, { token }] of before) await holder.check(resource, token)
}

function drawWishes({ actor: { prng }, options }: HolderPorts): Wish[] {
  const count = prng.chance(options.manyShare) ? prng.between(2, 4) : 1
  const names = Array.from({ length: count }, () =>
    prng.chance(options.hotShare) ? `hot-${prng.between(1, options.hot)}` : `cold-${prng.between(1, options.cold)}`,
  )
  return [...new Set(names)].map((resource) => ({ resource, mode: prng.chance(options.sharedShare) ? 'shared' : 'exclusive' }))
}
