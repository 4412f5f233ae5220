import type { Mutant } from '#test/mutants/mutant.ts'
import { test } from '#test/mutants/mutant.ts'

const client = 'src/io/redis/redis-client.long.test.ts'

/** What is asked of a real Redis. */
export const redisScripts: readonly Mutant[] = [
  {
    name: 'redis-confirms-nothing',
    guards: 'decision Q4',
    breaks: 'A write counts as confirmed however few replicas have it.',
    file: 'src/io/redis/server.ts',
    original: 'return counts.every((count, at) => count >= Number(asked[at]))',
    mutated: 'return counts.length > 0 && asked.length > 0',
    checks: [test(client, 'decision Q4: a write that too few replicas have')],
  },
  {
    name: 'redis-repeated-batch-writes-nothing',
    guards: 'decision Q4',
    breaks: 'A batch that is there already is answered without a write that the confirmation could cover.',
    file: 'src/io/redis/scripts.ts',
    original: "if tail[2] == ARGV[3] then\n  ${touch}\n  return 'written'",
    mutated: "if tail[2] == ARGV[3] then\n  return 'written'",
    checks: [test(client, 'decision Q4: a batch that is there already')],
  },
]
