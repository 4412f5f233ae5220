import { accessLimits as limits } from '#api/access/limits.ts'
import { parseTokenFile } from '#api/access/token-file.ts'
import { RateLimiter } from '#core/access/rate-limiter.ts'
import type { ClientGateOptions } from '#io/client/client-gate.ts'
import { systemClock } from '#io/system-clock.ts'
import { TokenFile } from '#io/tokens/token-file.ts'
import type { ClientHost } from '#ports/client.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { AccessControl } from '#services/access/access-control.ts'
import type { Admit, GuardPorts } from '#services/access/guarded-clients.ts'
import { guardedClients } from '#services/access/guarded-clients.ts'
import { audit } from '#services/common/audit.ts'
import type { NodeOptions } from './node-options.ts'

/** Who may use a node, and how it stops looking after that. */
export interface Access {
  /** Null where everybody may do everything, as often as they want. */
  readonly guard: GuardPorts | null
  /** A service as its clients see it. */
  readonly clients: <FromClient, FromNode>(
    host: ClientHost<FromClient, FromNode>,
    admit: Admit<FromClient, FromNode>,
  ) => Pick<ClientGateOptions<FromClient, FromNode>, 'host' | 'access'>
  stop(): void
}

/** Tokens and limits, as a node is told. */
export function accessOf({ access: { tokens: path, ratePerSecond } }: NodeOptions, telemetry: Telemetry): Access {
  if (path === null && ratePerSecond === null) return { guard: null, clients: (host) => ({ host, access: null }), stop: () => {} }
  const { tokenFileBytesMax: bytesMax, lookEveryMs: everyMs, burstSeconds, callersMax: keysMax } = limits
  const clock = systemClock
  const tokens = path === null ? null : new TokenFile({ path, parse: parseTokenFile, everyMs, bytesMax, clock, telemetry })
  tokens?.start()
  const limiter =
    ratePerSecond === null ? null : new RateLimiter({ perSecond: ratePerSecond, burst: Math.max(1, ratePerSecond * burstSeconds), keysMax })
  const control = new AccessControl({ tokens, limiter, clock })
  const guard: GuardPorts = {
    control,
    refused: (action, { requestId, caller: { token, address }, names }) => {
      const about = names.length === 0 ? {} : { names: names.join(', ') }
      audit(telemetry, { requestId, remoteAddress: address, caller: token?.name ?? null }, { action, about, outcome: 'forbidden' })
    },
  }
  return {
    guard,
    clients: (host, admit) => ({ host: guardedClients(host, guard, admit), access: control }),
    stop: () => tokens?.stop(),
  }
}
