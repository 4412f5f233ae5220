import { availableParallelism } from 'node:os'

/**
 * Flags of Node.js for so many processes that share a machine. Each would have four threads beside its own collect garbage, and wait for those of them that get
 * no processor: nine busy nodes on two cores waited for up to 333 ms, and 116 ms with one thread.
 */
export const engineFlags = (processes: number): readonly string[] => (processes > availableParallelism() ? ['--v8-pool-size=1'] : [])
