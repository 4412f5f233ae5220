import type { AgentId } from './types.ts'
import { agentId } from './types.ts'

/**
 * Agents in applications have names that no node and no agent of a node can have: names of nodes have no colon in them, and those of their agents begin
 * with the name of the node and a slash. The rest is chance that nobody can guess, so nobody can speak for another application.
 */
const pattern = /^app:[0-9a-f]{32}$/

export const applicationAgent = (chance: string): AgentId => agentId(`app:${chance}`)

export const isApplicationAgent = (name: string): boolean => pattern.test(name)

/** So much of its name as may be shown to anybody. */
export const shownName = (agent: AgentId): string => agent.slice(0, shownLength)

const shownLength = 'app:'.length + 8
