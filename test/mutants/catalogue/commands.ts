import type { Mutant } from '#test/mutants/mutant.ts'
import { simulator, test } from '#test/mutants/mutant.ts'

const router = 'src/runtime/router.test.ts'

/** Commands on their way to the leader: carried out once, and never after they were said not to be. */
export const commands: readonly Mutant[] = [
  {
    name: 'open-fate-is-repacked',
    guards: 'pitfall 37',
    breaks: 'Commands that may have been carried out are sent again under another number.',
    file: 'src/runtime/router.ts',
    original: 'if (parcel.doubtful) {\n      lane.doubtful.push(parcel)',
    mutated: 'if (parcel.commands.length === 0) {\n      lane.doubtful.push(parcel)',
    checks: [test(router, 'pitfall 37: commands that went together')],
  },
  {
    name: 'refused-commands-go-along',
    guards: 'pitfall 37',
    breaks: 'A command whose asker was told that it is refused is sent later with others.',
    file: 'src/runtime/router.ts',
    original: 'const waiting = lane.waiting.filter((command) => this.#deadlines.has(command))',
    mutated: 'const { waiting } = lane',
    checks: [test(router, 'a command that ended as refused')],
  },
  {
    name: 'number-ends-with-its-first-command',
    guards: 'pitfall 24',
    breaks: 'A node says that it has seen the answers of commands that it still sends again.',
    file: 'src/runtime/parcel.ts',
    original: 'if (--this.#open === 0) this.#origin.end(this.#sequence)',
    mutated: 'this.#open--\n    this.#origin.end(this.#sequence)',
    checks: [test('src/runtime/parcel.test.ts', 'the number of a parcel is done with')],
  },
  {
    name: 'commands-of-an-entry-look-alike',
    guards: 'decision R9',
    breaks: 'A machine cannot tell the commands of one entry from each other.',
    file: 'src/runtime/replicated-machine.ts',
    original: 'this.#context(entry, position)',
    mutated: 'this.#context(entry, 0)',
    checks: [test('src/runtime/replicated-machine.test.ts', 'commands under one number'), simulator(1, 3, 4)],
  },
  {
    name: 'follower-applies-before-it-acknowledges',
    guards: 'the way of a command',
    breaks: 'A leader waits for what its followers do for nobody.',
    file: 'src/runtime/group.ts',
    original: 'else this.#advanceLate()',
    mutated: 'else this.#advance()',
    checks: [test('src/runtime/apply-order.test.ts', 'a follower with a quick disk acknowledges new entries before')],
  },
]
