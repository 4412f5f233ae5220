import { setTimeout as sleep } from 'node:timers/promises'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import { CommandError } from '#cli/command-error.ts'
import { printable } from '#cli/output/table.ts'
import { ProgressLine } from '#cli/output/progress-line.ts'
import type { Screen } from '#cli/output/terminal.ts'
import { askNode } from '#cli/service/node-answer.ts'
import type { NodeAnswer, Refusal } from '#cli/service/node-answer.ts'
import { httpRequestOf } from '#cli/service/route-request.ts'
import type { Trust } from '#cli/service/trust.ts'
import { curlOf } from './curl.ts'
import type { DemoNode } from './setting.ts'

/** What one node answered. */
export type Reply<R extends Route> =
  | { readonly type: 'answered'; readonly body: AnswerOf<R> }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'silent'; readonly problem: string }

/** What the rest of a part builds on did not happen. */
class StepFailed extends Error {}

/** What is shown to nodes, and how they are made sure of. */
export interface StageAccess {
  readonly token: string | null
  readonly trust: Trust
  /** The same for a shell. */
  readonly curlFlags: string
}

interface StageOptions {
  readonly screen: Screen
  /** Resolves when whoever looks on wants to see the next step. */
  readonly next: () => Promise<void>
  /** Ends the show. */
  readonly signal: AbortSignal
  /** For a node to answer. */
  readonly timeoutMs: number
  readonly access: StageAccess
}

interface Asking {
  readonly timeoutMs?: number
}

const answerLengthMax = 400
const everyMs = 50

/** Where the demo tells what it does, shows each call with its answer, and counts what turned out as it was said. */
export class Stage {
  readonly signal: AbortSignal
  readonly #screen: Screen
  readonly #next: () => Promise<void>
  readonly #timeoutMs: number
  readonly #access: StageAccess
  readonly #progress: ProgressLine
  readonly #failures: string[] = []
  readonly #skipped: string[] = []
  #passed = 0

  constructor({ screen, next, signal, timeoutMs, access }: StageOptions) {
    this.signal = signal
    this.#screen = screen
    this.#next = next
    this.#timeoutMs = timeoutMs
    this.#access = access
    this.#progress = new ProgressLine(screen)
  }

  get passed(): number {
    return this.#passed
  }
  get failures(): readonly string[] {
    return this.#failures
  }
  get skipped(): readonly string[] {
    return this.#skipped
  }

  /** A part that cannot go on has failed, and the next one begins. */
  async part(title: string, play: () => Promise<void>): Promise<void> {
    this.print(`\n${this.#screen.paint('bold', title)}\n`)
    try {
      await play()
    } catch (error) {
      if (!(error instanceof StepFailed || error instanceof CommandError)) throw error
      this.check(error.message, false)
    }
  }

  /** What comes next, in words. */
  async step(text: string): Promise<void> {
    this.signal.throwIfAborted()
    this.print(`\n${this.#screen.paint('cyan', '▶')} ${text}\n`)
    await this.#next()
    this.signal.throwIfAborted()
  }

  /** One request to one node, shown as what anybody may type, with its answer. */
  async call<R extends Route>(node: DemoNode, route: R, request: RequestOf<R>, asking: Asking = {}): Promise<Reply<R>> {
    this.show(`$ ${curlOf(node.url, httpRequestOf(route, request), this.#access.curlFlags)}`)
    return this.shown(await this.#asked(node, route, request, asking))
  }

  /** The same where an answer is needed to go on. */
  async answered<R extends Route>(node: DemoNode, route: R, request: RequestOf<R>, asking: Asking = {}): Promise<AnswerOf<R>> {
    const reply = await this.call(node, route, request, asking)
    if (reply.type === 'answered') return reply.body
    const why = reply.type === 'refused' ? `${reply.refusal.code}: ${reply.refusal.message}` : reply.problem
    throw new StepFailed(`${node.id} answers ${route.method} ${route.path} (${why})`)
  }

  /** A request whose answer is shown later, by `shown`. */
  begun<R extends Route>(node: DemoNode, route: R, request: RequestOf<R>, asking: Asking = {}): Promise<NodeAnswer> {
    this.show(`$ ${curlOf(node.url, httpRequestOf(route, request), this.#access.curlFlags)} &`)
    return this.#asked(node, route, request, asking)
  }

  shown<R extends Route>(answer: NodeAnswer): Reply<R> {
    this.signal.throwIfAborted()
    if (answer.type === 'answered') this.show(`${answer.status} ${answer.text}`)
    if (answer.type === 'refused') this.show(this.#screen.paint('yellow', `${answer.status} ${JSON.stringify({ error: answer.refusal })}`))
    if (answer.type === 'silent') this.show(this.#screen.paint('yellow', `(${answer.problem})`))
    return replyOf<R>(answer)
  }

  /** Without a word: for what is asked again and again. */
  async quietly<R extends Route>(node: DemoNode, route: R, request: RequestOf<R>, asking: Asking = {}): Promise<Reply<R>> {
    return replyOf<R>(await this.#asked(node, route, request, asking))
  }

  check(claim: string, holds: boolean): void {
    if (holds) this.#passed++
    else this.#failures.push(claim)
    this.print(`  ${holds ? this.#screen.paint('green', '✓') : this.#screen.paint('red', '✗')} ${claim}\n`)
  }

  skip(what: string): void {
    this.#skipped.push(what)
    this.print(`  ${this.#screen.paint('yellow', '-')} skipped: ${what}\n`)
  }

  /** Looks until it finds something, and says how long that took; a part cannot go on without it. */
  async until<T>(what: string, look: () => Promise<T | null>, withinMs = 30_000): Promise<T> {
    const startedAt = performance.now()
    for (;;) {
      const found = await look()
      this.signal.throwIfAborted()
      const tookMs = performance.now() - startedAt
      if (found !== null) {
        this.check(`${what} (after ${Math.round(tookMs)} ms)`, true)
        return found
      }
      if (tookMs > withinMs) throw new StepFailed(`${what} (not within ${withinMs} ms)`)
      this.progress(`waiting: ${what}, ${(tookMs / 1_000).toFixed(1)} s`)
      await sleep(everyMs, undefined, { signal: this.signal })
    }
  }

  progress(text: string): void {
    this.#progress.show(`  ${this.#screen.paint('dim', text)}`)
  }

  /** A line of what is asked or answered; a long one is cut. */
  show(text: string): void {
    const line = text.length > answerLengthMax ? `${text.slice(0, answerLengthMax)}…` : text
    this.print(`  ${this.#screen.paint('dim', printable(line))}\n`)
  }

  print(text: string): void {
    this.#progress.clear()
    this.#screen.print(text)
  }

  get paper(): Pick<Screen, 'isTerminal' | 'paint'> {
    return this.#screen
  }

  #asked<R extends Route>(node: DemoNode, route: R, request: RequestOf<R>, { timeoutMs }: Asking): Promise<NodeAnswer> {
    const { token, trust } = this.#access
    return askNode(node.url, httpRequestOf(route, request), { limitMs: timeoutMs ?? this.#timeoutMs, signal: this.signal, token, trust })
  }
}

function replyOf<R extends Route>(answer: NodeAnswer): Reply<R> {
  switch (answer.type) {
    case 'answered':
      // The node wrote it by the schema that the type is made of.
      return { type: 'answered', body: answer.body as AnswerOf<R> }
    case 'refused':
      return { type: 'refused', refusal: answer.refusal }
    case 'silent':
      return { type: 'silent', problem: answer.problem }
    case 'aborted':
      return { type: 'silent', problem: 'interrupted' }
  }
}
