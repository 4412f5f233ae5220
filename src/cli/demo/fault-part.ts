import type { Setting } from './setting.ts'
import type { Stage } from './stage.ts'
import { cutOffPart } from './cut-off-part.ts'
import { leaderPart } from './leader-part.ts'

/** Nodes are killed and stopped, for those who may. */
export async function faultPart(stage: Stage, setting: Setting): Promise<void> {
  const { processes } = setting
  if (processes === null) {
    stage.skip('nothing is broken in a cluster that others may use; --faults allows it')
    return
  }
  await leaderPart(stage, setting, processes)
  await cutOffPart(stage, setting, processes)
}
