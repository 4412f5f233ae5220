import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * Keeps a process, with all its threads, on the last processor. Load comes from other machines where nodes have one each: here it takes as little from them as it
 * can. Throws where there is but one processor, and where the system has no `taskset`.
 */
export function keepOnLastProcessor(pid: number): void {
  const count = availableParallelism()
  if (count < 2) throw new Error('load and nodes need two processors, and there is only one')
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(count - 1), String(pid)], { stdio: 'ignore' })
}
