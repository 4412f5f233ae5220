import { type Model, unanswered } from '#sim/checker/linearizability-model.ts'

/** A client that holds a lock. The token is null while nobody was told of it. */
interface PlainHolder {
  readonly client: string
  readonly token: number | null
}

interface PlainHold extends PlainHolder {
  /** The request that it was granted to, while nobody knows whether somebody was told; null once somebody was. */
  readonly doubtful: number | null
}

export type PlainInput =
  /** Now or never, exclusively, until released. `request` tells it from the others of its client. */
  | { readonly type: 'acquire'; readonly client: string; readonly request: number }
  /** By the service, when the client of that request has hung up; unless the client has asked again, and was told. */
  | { readonly type: 'give-back'; readonly client: string; readonly request: number }
  /** Whatever the client holds, or only the grant of that token. */
  | { readonly type: 'release'; readonly client: string; readonly token: number | null }
  | { readonly type: 'check'; readonly token: number }
  | { readonly type: 'look' }

export type PlainOutput =
  | { readonly type: 'granted'; readonly token: number }
  | { readonly type: 'busy'; readonly holder: PlainHolder }
  | { readonly type: 'released' }
  | { readonly type: 'not-holder' }
  | { readonly type: 'checked'; readonly valid: boolean }
  | { readonly type: 'seen'; readonly holder: PlainHolder | null }

export interface PlainState {
  readonly holder: PlainHold | null
  /** The largest token that anybody was told of: those to come are larger. */
  readonly last: number
}

/** One exclusive lock without waiting and without an end, in its own words. */
export const plainLockModel: Model<PlainState, PlainInput, PlainOutput> = {
  initial: { holder: null, last: 0 },

  step(state, input, output) {
    if (output === unanswered) return [afterUnanswered(state, input)]
    const after = afterAnswer(state, input, output)
    return after === null ? [] : [after]
  },

  effect(input, output) {
    if (output === unanswered) return input.type === 'check' || input.type === 'look' ? 'read' : 'change'
    const { type } = output
    const isRead = type === 'not-holder' || (type === 'checked' && !output.valid) || (type === 'seen' && output.holder === null)
    return isRead ? 'read' : 'change'
  },

  keyOfState: ({ holder, last }) =>
    `${holder === null ? 'free' : `${holder.client} by ${holder.token ?? 'a token'} of ${holder.doubtful ?? 'a request'}`} after ${last}`,
  keyOfInput: (input) => JSON.stringify(input),
  describe: (input, output) => `${JSON.stringify(input)}${output === unanswered ? '' : ` → ${JSON.stringify(output)}`}`,
}

function afterUnanswered(state: PlainState, input: PlainInput): PlainState {
  const { holder, last } = state
  if (input.type === 'acquire' && holder === null) return { holder: { client: input.client, token: null, doubtful: input.request }, last }
  // Whether that was told is not known either, but it is what counts from then on.
  if (input.type === 'acquire' && holder?.client === input.client) return { holder: { ...holder, doubtful: null }, last }
  if (input.type === 'give-back' && holder?.client === input.client && holder.doubtful === input.request) return { holder: null, last }
  if (input.type === 'release' && holder !== null && isMeant(state, holder, input)) return { holder: null, last }
  return state
}

function afterAnswer(state: PlainState, input: PlainInput, output: PlainOutput): PlainState | null {
  const { holder } = state
  switch (output.type) {
    case 'granted':
      if (input.type !== 'acquire') return null
      return granted(state, { client: input.client, token: output.token })
    case 'busy':
      return input.type === 'acquire' && input.client !== output.holder.client ? seen(state, output.holder) : null
    case 'released':
      return input.type === 'release' && holder !== null && isMeant(state, holder, input)
        ? { holder: null, last: lastOf(state, input) }
        : null
    case 'not-holder':
      return input.type === 'release' && (holder === null || !isSurelyMeant(holder, input)) ? state : null
    case 'checked':
      if (input.type !== 'check') return null
      if (output.valid) return holder === null ? null : seen(state, { client: holder.client, token: input.token })
      return holder?.token === input.token ? null : state
    case 'seen':
      if (output.holder === null) return holder === null ? state : null
      return seen(state, output.holder)
  }
}

/** Its client was told that it holds it. */
function granted(state: PlainState, { client, token }: PlainHolder & { readonly token: number }): PlainState | null {
  const { holder, last } = state
  if (holder === null) return token > last ? { holder: { client, token, doubtful: null }, last: token } : null
  const after = seen(state, { client, token })
  return after?.holder ? { ...after, holder: { ...after.holder, doubtful: null } } : null
}

/** Somebody was told who holds it. */
function seen({ holder, last }: PlainState, { client, token }: PlainHolder): PlainState | null {
  if (holder?.client !== client || token === null) return null
  if (holder.token !== null) return holder.token === token ? { holder, last } : null
  return token > last ? { holder: { ...holder, token }, last: token } : null
}

type Release = Extract<PlainInput, { type: 'release' }>

const isMeant = ({ last }: PlainState, holder: PlainHolder, { client, token }: Release): boolean =>
  holder.client === client && (token === null || holder.token === token || (holder.token === null && token > last))

const isSurelyMeant = (holder: PlainHolder, { client, token }: Release): boolean =>
  holder.client === client && (token === null || holder.token === token)

const lastOf = ({ last }: PlainState, { token }: Release): number => Math.max(last, token ?? 0)
