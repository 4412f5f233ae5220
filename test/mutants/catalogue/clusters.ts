import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const forming = 'test/mutants/forming.test.ts'
const recovery = 'src/core/cluster/recovery.test.ts'
const machine = 'src/core/cluster/machine.test.ts'

/** How a cluster comes into being, and what version it runs. */
export const clusters: readonly Mutant[] = [
  {
    name: 'majority-of-the-list-forms',
    guards: 'decision R3',
    breaks: 'A majority of the initial voters forms a cluster without waiting for the others, who may have one already.',
    file: 'src/runtime/forming.ts',
    original: 'const others = self.voters.filter((address) => address !== self.address)',
    mutated: `const peers = self.voters.filter((address) => address !== self.address)
  const answered = peers.filter((address) => heard.some((hello) => hello.address === address))
  const others = (answered.length + 1) * 2 > self.voters.length ? answered : peers`,
    checks: [test(forming, 'decision R3: only all of the initial voters')],
  },
  {
    name: 'founder-with-another-disk',
    guards: 'decision R3',
    breaks: 'An empty node takes a formation for its own that names a former incarnation of it.',
    file: 'src/runtime/forming.ts',
    original: 'name === self.name && incarnation === self.incarnation',
    mutated: 'name === self.name',
    checks: [test(forming, 'decision R3: an empty node adopts a formation only if')],
  },
  {
    name: 'forms-beside-a-cluster',
    guards: 'decision R3',
    breaks: 'Empty nodes with a list of voters form a second cluster although a peer belongs to one.',
    file: 'src/runtime/forming.ts',
    original: 'heard.find(({ formation }) => formation !== null)',
    mutated: 'heard.find(({ formation }) => formation !== null && self.voters.length === 0)',
    checks: [test(forming, 'decision R3: an empty node joins'), simulator(1, 3, 4)],
  },
  {
    name: 'lists-of-voters-differ',
    guards: 'decision R3',
    breaks: 'Nodes with different lists of initial voters form a cluster all the same.',
    file: 'src/runtime/forming.ts',
    original: 'other.voters.join() !== self.voters.join()',
    mutated: 'other.voters.length === 0',
    checks: [test(forming, 'decision R3: initial voters whose lists differ')],
  },
  {
    name: 'second-formation-of-one-cluster',
    guards: 'decision R3',
    breaks: 'A formation with another cluster id is answered as if it were this cluster’s.',
    file: 'src/core/cluster/machine.ts',
    original: 'formation.clusterId !== state.formation.clusterId',
    mutated: "formation.clusterId === ''",
    checks: [test(machine, 'decision R3: a second cluster cannot be made of the members of the first')],
  },
  {
    name: 'recovered-without-a-fence',
    guards: 'decision R3',
    breaks: 'Nodes that were given up are taken for members of the cluster that went on without them.',
    file: 'src/core/cluster/recovery.ts',
    original: 'recovery === null ? clusterId : `${clusterId}-${recovery}`',
    mutated: 'recovery === null ? clusterId : clusterId',
    checks: [test(recovery, 'decision R3: one member is left, the only voter')],
  },
  {
    name: 'recovered-in-a-term-of-the-others',
    guards: 'decision R3',
    breaks: 'Who goes on alone does so in a term that those who were given up may have led in.',
    file: 'src/runtime/recovery.ts',
    original: 'hardState.term + lostTermsMax',
    mutated: 'hardState.term + 1',
    checks: [test('src/runtime/recovery.test.ts', 'terms go on above all')],
  },
  {
    name: 'recovered-from-a-former-life',
    guards: 'decision R3',
    breaks: 'A replica of a slot’s former life is gone on from.',
    file: 'src/core/cluster/recovery.ts',
    original: 'each.configurationIndex > slot.life.index',
    mutated: 'each.configurationIndex >= 0',
    checks: [test(recovery, 'a replica of a life that is over')],
  },
  {
    name: 'founder-of-a-recovered-cluster',
    guards: 'decision R3',
    breaks: 'A founder that heard of the formation only after it was given up takes up the replicas that it began with.',
    file: 'src/runtime/forming.ts',
    original: 'formation.recovery === null && formation.members',
    mutated: 'formation.members',
    checks: [test('src/runtime/forming.test.ts', 'decision R3: a founder that never took the formation up')],
  },
  {
    name: 'version-a-member-does-not-know',
    guards: 'decision R9',
    breaks: 'The cluster version is raised although a member’s build does not know it.',
    file: 'src/core/cluster/machine.ts',
    original: 'state.members.some((member) => member.version < version)',
    mutated: 'state.members.every((member) => member.version < version)',
    checks: [test(machine, 'decision R9: the version is raised once every member announced it')],
  },
  {
    name: 'machine-runs-its-own-version',
    guards: 'decision R9',
    breaks: 'A machine does what its build knows, not what its group has agreed on.',
    file: 'src/runtime/replicated-machine.ts',
    original: 'version: this.#version }\n  }',
    mutated: 'version: this.#newestVersion }\n  }',
    checks: [simulator(3, 4, 5)],
  },
]
