import { inspect } from 'node:util'
import type { EventData } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import type { Totals } from './totals.ts'

export interface Skip {
  readonly file: string
  readonly name: string
  readonly reason: string
}

export interface FileOutcome {
  readonly totals: Totals
  readonly skips: readonly Skip[]
  /** For people; empty when nothing failed and no test said anything with `t.diagnostic`. */
  readonly report: string
}

interface FileLogOptions {
  /** As node:test names it. */
  readonly path: string
  /** As people know it. */
  readonly name: string
  readonly mayBeEmpty: boolean
}

/** More of a line is of use to nobody who looks at a whole run. */
const diagnosticCharactersMax = 240

/** What happened in one test file. */
export class FileLog {
  readonly #options: FileLogOptions
  /** The tests that enclose the one that is being reported; node:test reports depth first. */
  readonly #enclosing: string[] = []
  readonly #skips: Skip[] = []
  readonly #failures: string[] = []
  /** What tests said of themselves, by the test. */
  readonly #diagnostics = new Map<string, string[]>()
  #output = ''
  #passed = 0

  constructor(options: FileLogOptions) {
    this.#options = options
  }

  see(event: TestEvent): void {
    switch (event.type) {
      case 'test:stdout':
      case 'test:stderr':
        this.#output += event.data.message
        break
      case 'test:start':
        this.#enclosing.length = event.data.nesting
        this.#enclosing.push(event.data.name)
        break
      case 'test:diagnostic':
        this.#diagnostic(event.data)
        break
      case 'test:pass':
        this.#pass(event.data)
        break
      case 'test:fail':
        this.#fail(event.data)
        break
      default:
    }
  }

  close(): FileOutcome {
    return {
      totals: { passed: this.#passed, failed: this.#failures.length, skipped: this.#skips.length },
      skips: this.#skips,
      report: [...(this.#failures.length > 0 ? this.#failed() : []), ...this.#told()].join('\n'),
    }
  }

  #diagnostic({ file, message, nesting }: EventData.TestDiagnostic): void {
    // The summary of node:test is of no file.
    if (file === undefined) return
    const test = this.#enclosing.slice(0, nesting + 1).join(' › ')
    const line = message.replaceAll(/\s+/g, ' ')
    const lines = this.#diagnostics.get(test) ?? []
    lines.push(line.length > diagnosticCharactersMax ? `${line.slice(0, diagnosticCharactersMax)}…` : line)
    this.#diagnostics.set(test, lines)
  }

  #pass(test: EventData.TestPass): void {
    if (test.skip !== undefined || test.todo !== undefined) {
      // The tests of a suite that is skipped are not reported: it counts as one.
      this.#skips.push({ file: this.#options.name, name: this.#fullName(test), reason: reasonOf(test) })
    } else if (test.details.type === 'suite') {
      return
    } else if (test.name === this.#options.path) {
      // node:test reports a file without tests as one test that passed.
      if (!this.#options.mayBeEmpty) this.#failures.push('the file has no tests')
    } else {
      this.#passed++
    }
  }

  #fail(test: EventData.TestFail): void {
    const { error } = test.details
    const failureType = 'failureType' in error ? error.failureType : ''
    if (failureType === 'subtestsFailed') return
    const details = failureType === 'testAborted' ? 'did not end in time and was killed' : describe(error.cause ?? error)
    const line = test.line === undefined || test.name === this.#options.path ? '' : `:${test.line}`
    this.#failures.push(`${this.#fullName(test)} (${this.#options.name}${line})\n${indent(details)}`)
  }

  #failed(): readonly string[] {
    const failures = this.#failures.map((failure) => `FAILED ${this.#options.name} › ${failure}`)
    const output = this.#output.trim()
    return [...failures, ...(output === '' ? [] : [`output of ${this.#options.name}:`, indent(output)])]
  }

  #told(): readonly string[] {
    return [...this.#diagnostics].map(([test, lines]) => `${this.#options.name} › ${test}\n${indent(lines.join('\n'))}`)
  }

  #fullName({ name, nesting }: { readonly name: string; readonly nesting: number }): string {
    if (name === this.#options.path) return 'the file as a whole'
    return [...this.#enclosing.slice(0, nesting), name].join(' › ')
  }
}

function reasonOf({ skip, todo }: EventData.TestPass): string {
  if (skip === undefined) return typeof todo === 'string' ? `to do: ${todo}` : 'to do'
  return typeof skip === 'string' ? skip : 'no reason is given'
}

/** The diff of an assertion is in its message already; what node:test adds to a stack helps nobody. */
function describe(cause: unknown): string {
  const isAssertion = cause instanceof Error && 'code' in cause && cause.code === 'ERR_ASSERTION'
  const text = isAssertion ? (cause.stack ?? cause.message) : inspect(cause, { depth: 8, colors: process.stdout.isTTY })
  return text.replaceAll(/^\s+at .*\(node:.*\n?/gm, '').trimEnd()
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ')
