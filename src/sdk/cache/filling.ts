import type { Answer } from '#core/cache/agent-state.ts'
import type { Condition, Grant } from '#core/cache/types.ts'
import type { Terms } from './asking.ts'
import { timedOut } from './asking.ts'
import type { Place } from './changing.ts'
import { change, tooMany } from './changing.ts'
import { JsonValue } from './json-value.ts'

/** What is to be stored where nothing is; undefined: nothing. */
type Load = () => unknown

interface Wanted {
  readonly load: Load
  readonly ttlMs: number | null
}

/**
 * The value, loaded where there is none (decision C10). Only the holder of the token may store what it has loaded, and any write in between takes the token:
 * what was loaded before it may be older, so it is given to who asked for it, and is not stored.
 */
export async function fill(place: Place, { load, ttlMs }: Wanted, terms: Terms): Promise<unknown> {
  const asked = await ask(place, terms)
  if (asked.type === 'read') return valueOf(asked)
  const condition: Condition = { type: 'token', token: asked.token }
  let value: JsonValue
  try {
    const loaded = await load()
    if (loaded === undefined) {
      giveBack(place, asked.token)
      return undefined
    }
    value = JsonValue.of(loaded)
  } catch (error) {
    giveBack(place, asked.token)
    throw error
  }
  try {
    const stored = await change(place, { type: 'set', value, ttlMs, condition }, place.agent.asking.terms())
    if (stored.type !== 'done') giveBack(place, asked.token)
  } catch {
    // Whoever asked for the value has it; that it could not be stored is seen by who asks next, and loads it again.
    giveBack(place, asked.token)
  }
  return value.value
}

const valueOf = ({ value }: Extract<Answer, { type: 'read' }>): unknown => (value as JsonValue | null)?.value

async function ask(place: Place, terms: Terms): Promise<Extract<Answer, { type: 'read' | 'load' }>> {
  const { agent, key, handle } = place
  let isLeft = false
  const asked = await agent.asking.ask(terms, (done) => {
    const leave = agent.host.read({ slot: agent.slotOf(key), key, handle }, true, (answer) => {
      if (isLeft && answer.type === 'load') giveBack(place, answer.token)
      else done(answer)
    })
    // What was sent is heard out: a token that nobody uses would keep others waiting.
    return () => {
      isLeft = true
      leave()
      return true
    }
  })
  if (asked.type === 'read' || asked.type === 'load') return asked
  throw asked.type === 'over' ? (asked.error ?? timedOut()) : tooMany()
}

/** Nothing comes of it: whoever waits may load. It is a delete of what is absent; until it is done, or the token is over, others wait. */
function giveBack(place: Place, token: Grant): void {
  let terms: Terms
  try {
    terms = place.agent.asking.terms()
  } catch {
    // The cache was closed, and with its session goes the token.
    return
  }
  change(place, { type: 'delete', condition: { type: 'token', token } }, terms).catch(() => {
    // Then the time of the token ends the wait.
  })
}
