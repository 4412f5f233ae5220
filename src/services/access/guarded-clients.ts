import type { Fault } from '#api/errors.ts'
import type { Caller } from '#core/access/types.ts'
import type { ClientChannel, ClientHost, ClientPeer } from '#ports/client.ts'
import type { AccessControl } from './access-control.ts'

/** What becomes of a message of a client. */
export type Admitted<FromClient, FromNode> =
  /** Perhaps with less in it than was sent. */
  | { readonly type: 'passed'; readonly message: FromClient }
  | {
      readonly type: 'refused'
      readonly fault: Fault<'forbidden' | 'rate_limited'>
      /** Null where the protocol has none: then it is as if the message had got lost. */
      readonly answer: FromNode | null
      /** The action of operators that it was. */
      readonly action: Attempt | null
    }

interface Attempt {
  /** As the API calls it. */
  readonly id: string
  /** What it was to touch. */
  readonly names: readonly string[]
}

export type Admit<FromClient, FromNode> = (message: FromClient, caller: Caller, control: AccessControl) => Admitted<FromClient, FromNode>

export interface GuardPorts {
  readonly control: AccessControl
  /** Told of what operators do that a caller who is known may not do, with the names that it was to touch where they are known. */
  readonly refused: (
    action: string,
    call: { readonly requestId: string; readonly caller: Caller; readonly names: readonly string[] },
  ) => void
}

/** A service whose clients may do what their tokens allow, as often as they may. */
export function guardedClients<FromClient, FromNode>(
  host: ClientHost<FromClient, FromNode>,
  { control, refused }: GuardPorts,
  admit: Admit<FromClient, FromNode>,
): ClientHost<FromClient, FromNode> {
  const guarded = (channel: ClientChannel<FromNode>, caller: Caller): ClientPeer<FromClient> => {
    const peer = host.serve(channel, caller)
    return {
      received(message) {
        const admitted = admit(message, caller, control)
        if (admitted.type === 'passed') return peer.received(admitted.message)
        const { answer, action, fault } = admitted
        if (action !== null && fault.code === 'forbidden') refused(action.id, { requestId: 'client', caller, names: action.names })
        if (answer !== null) channel.send(answer)
      },
      gone: () => peer.gone(),
    }
  }
  return {
    protocol: host.protocol,
    welcome: () => host.welcome(),
    // The gate says who it is wherever there is something to guard.
    serve: (channel, caller = { token: null, address: '' }) => guarded(channel, caller),
  }
}
