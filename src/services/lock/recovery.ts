import { encodeCommand } from '#core/lock/command-codec.ts'
import { lockLimits } from '#core/lock/limits.ts'

/** What the locks are told when replicas were given up that may have given more tokens: none of them comes again. */
export const whenRecovered = (): readonly Uint8Array[] => [encodeCommand({ type: 'skip-tokens', count: lockLimits.skippedTokensMax })]
