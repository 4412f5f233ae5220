import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { checkCluster } from '#cli/doctor/cluster.ts'
import { checkSpace, checkSync, nearestFolder } from '#cli/doctor/disk.ts'
import type { Finding } from '#cli/doctor/finding.ts'
import { checkMemory, checkNode } from '#cli/doctor/machine.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { text, withDefault } from '#cli/flags/kinds.ts'
import { printJson, screen } from '#cli/output/terminal.ts'
import type { Screen } from '#cli/output/terminal.ts'
import { clientOf, serviceFlags } from '#cli/service/service-flags.ts'

const help = `Looks at this machine (Node.js, memory, ports, the disk of the data folder) and at the cluster if one answers (every node, one cluster,
one version, clocks), and says what to do about what is wrong.

Examples:
  lockstep doctor
  lockstep doctor --data /var/lib/lockstep --url http://10.0.0.5:8001,http://10.0.0.6:8001

Exit codes: 0 nothing is broken, 1 something is`

/** `version` is that of this program. */
export const doctorCommand = (version: string): Command =>
  defineCommand({
    name: 'doctor',
    summary: 'find out what is wrong, and what to do',
    operands: '',
    help,
    flags: { data: withDefault(text('FOLDER', 'where nodes keep their data; .lockstep'), '.lockstep'), ...serviceFlags },
    read(values, operands, mistakes) {
      noOperands(operands, mistakes)
      return values
    },
    async run({ data, json, ...service }) {
      const folder = nearestFolder(data)
      const findings = [
        checkNode(process.versions.node),
        checkMemory(process.availableMemory()),
        checkSpace(folder),
        checkSync(folder),
        ...(await checkCluster(clientOf(service), version)),
      ]
      if (json) printJson({ findings })
      else screen.print(findingsText(findings, screen))
      return findings.some(({ verdict }) => verdict === 'broken') ? exitCodes.refused : exitCodes.done
    },
  })

const colours = { ok: 'green', warning: 'yellow', broken: 'red', skipped: 'dim' } as const
const checkWidth = 20

function findingsText(findings: readonly Finding[], { paint }: Pick<Screen, 'paint'>): string {
  return findings
    .map(({ check, verdict, seen, fix }) => {
      const line = `${paint(colours[verdict], verdict.padEnd(8))} ${check.padEnd(checkWidth)} ${seen}\n`
      return fix === null ? line : `${line}${' '.repeat(9)}${paint('bold', '→')} ${fix}\n`
    })
    .join('')
}
