import type { RecoveryOutcome } from '#composition/recover-store.ts'
import { CommandError } from '#cli/command-error.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { required, text, toggle } from '#cli/flags/kinds.ts'
import { printJson, screen } from '#cli/output/terminal.ts'

const help = `When a majority of a cluster's nodes is gone for good, and their folders with them, a node that is left cannot go on: what the others
had acknowledged, and it never heard of, is lost. This command makes it the only member of its cluster all the same, with what its folder has.

1. Stop every node that is left, and make sure that the others never start again with their folders: they would go on as a cluster of their own.
2. Look at each folder that is left, without --yes, and choose the one that has the most.
3. Run it on that one with --yes, and start its node as always.
4. Start the others with empty folders: they join, and are copied to.

Examples:
  lockstep recover --data /var/lib/lockstep
  lockstep recover --data /var/lib/lockstep --yes

Exit codes: 0 done, or shown, 1 refused: this folder cannot be gone on from, 3 the store is damaged, 4 it cannot be used: its node runs, or the disk fails`

type Recover = (folder: string, options: { readonly isMeant: boolean }) => Promise<RecoveryOutcome>

export const recoverCommand = (recover: Recover): Command =>
  defineCommand({
    name: 'recover',
    summary: 'go on with one node, when a majority is gone for good',
    operands: '',
    help,
    flags: {
      data: required(text('FOLDER', 'the data of the node that is left, which must not run')),
      yes: toggle('do it; without this it is only shown what would be kept, and lost'),
      json: toggle('print JSON'),
    },
    read({ data, yes, json }, operands, mistakes) {
      noOperands(operands, mistakes)
      return { folder: data, isMeant: yes, json }
    },
    async run({ folder, isMeant, json }) {
      const outcome = await recover(folder, { isMeant })
      switch (outcome.type) {
        case 'refused':
          throw new CommandError(exitCodes.refused, `${folder}: ${refusals[outcome.code]}`)
        case 'damaged':
          throw new CommandError(exitCodes.damaged, `the store is damaged: ${outcome.detail}`)
        case 'failed':
          throw new CommandError(exitCodes.storage, outcome.detail)
        case 'planned':
        case 'written':
          if (json) printJson(viewOf(outcome))
          else screen.print(textOf(outcome, folder))
          return exitCodes.done
      }
    },
  })

const refusals = {
  'no-store': 'no node has kept anything there',
  'not-formed': 'its node never belonged to a cluster',
  'no-meta-group': 'its node did not take part in deciding who is a member: choose another one',
} as const

type Told = Extract<RecoveryOutcome, { readonly type: 'planned' | 'written' }>

const viewOf = ({ type, recovery: { name, service, clusterId, kept, lost } }: Told) => ({
  status: type,
  node_id: name,
  service,
  cluster_id: clusterId,
  kept: kept.map(({ group, lastIndex }) => ({ slot: group, last_index: lastIndex })),
  lost_slots: lost,
})

function textOf({ type, recovery: { name, clusterId, kept, lost } }: Told, folder: string): string {
  const entries = kept.reduce((sum, { lastIndex }) => sum + lastIndex, 0)
  const slots = kept.length - 1
  const found = `${name} of cluster ${clusterId} has ${slots} of ${slots + lost.length} slots, and of all its logs ${entries} entries\n`
  const gone =
    lost.length === 0 ? '' : `empty from now on, as it does not have them: ${lost.length === 1 ? 'slot' : 'slots'} ${lost.join(', ')}\n`
  const next =
    type === 'planned'
      ? `Nothing was changed. With --yes it becomes the only member of its cluster, and whatever else others have acknowledged is lost.\n`
      : `It is the only member of its cluster now. Start it as always, and the others with empty folders; never again with those they had.\n`
  return `${folder}: ${found}${gone}${next}`
}
