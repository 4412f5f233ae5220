import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { test } from 'node:test'
import { Cluster, termsOf } from './testkit.ts'
import type { ClusterEvent } from './testkit.ts'
import type { Effects, Membership, Message, Persist } from './types.ts'

/**
 * Scenarios: files of commands, each with the trace it is expected to leave. `node src/core/raft/scenario.test.ts --rewrite` writes the
 * traces anew; the difference is then read like any other change. What a line means is explained in testdata/raft/election.txt.
 */
const folder = new URL('../../../testdata/raft/', import.meta.url)
const rewrite = process.argv.includes('--rewrite') || process.env['RAFT_REWRITE'] === '1'

const list = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(','))

function describeMembership({ voters, outgoing, learners }: Membership): string {
  const joint = outgoing.length === 0 ? '' : ` leaving ${outgoing.join(',')}`
  return `voters ${voters.join(',')}${joint}${learners.length === 0 ? '' : ` learners ${learners.join(',')}`}`
}

function describeMessage(message: Message): string {
  const head = `${message.from}>${message.to} ${message.type}@${message.term}`
  switch (message.type) {
    case 'vote-request':
      return `${head} last ${message.lastIndex}/${message.lastTerm}${message.force ? ' forced' : ''}`
    case 'pre-vote-request':
      return `${head} last ${message.lastIndex}/${message.lastTerm}`
    case 'vote-response':
    case 'pre-vote-response':
      return `${head} ${message.granted ? 'granted' : 'refused'}`
    case 'append': {
      const entries = message.entries.map(({ index, term }) => `${index}/${term}`).join(' ')
      return `${head} after ${message.previousIndex}/${message.previousTerm} [${entries}] commit ${message.commit}`
    }
    case 'append-ack':
      return `${head} match ${message.match}`
    case 'append-reject':
      return `${head} of ${message.rejected} hint ${message.hintIndex}/${message.hintTerm}`
    case 'heartbeat':
      return `${head} round ${message.round} commit ${message.commit}`
    case 'heartbeat-ack':
      return `${head} round ${message.round} match ${message.match}`
    case 'snapshot-chunk':
      return `${head} of ${message.snapshot.index}/${message.snapshot.term} bytes ${message.offset}+${message.bytes.length}${message.last ? ' last' : ''}`
    case 'snapshot-ack':
      return `${head} of ${message.index} wants ${message.offset}`
    case 'stale-term':
    case 'timeout-now':
      return head
  }
}

function describePersist({ id, hardState, install, truncateFrom, entries }: Persist): string {
  const parts = [
    hardState === null ? '' : ` term ${hardState.term} vote ${hardState.vote ?? 'none'}`,
    install === null ? '' : ` install ${install.index}/${install.term}`,
    truncateFrom === null ? '' : ` truncate from ${truncateFrom}`,
    entries.length === 0 ? '' : ` entries ${entries.map(({ index, term }) => `${index}/${term}`).join(' ')}`,
  ]
  return `#${id}${parts.join('')}`
}

function* describeEffects(name: string, effects: Effects): Generator<string> {
  const { proposed, membershipChange, role, persist, restore, apply, readStates } = effects
  if (proposed !== null) {
    yield `${name} ${proposed.type === 'accepted' ? `accepts from ${proposed.firstIndex}` : `refuses: ${proposed.reason}`}`
  }
  if (membershipChange !== null) {
    yield `${name} ${membershipChange.type === 'accepted' ? `accepts at ${membershipChange.index}` : `refuses: ${membershipChange.reason}`}`
  }
  if (role !== null) yield `${name} is ${role.role} in term ${role.term}, leader ${role.leader ?? 'unknown'}`
  if (persist !== null) yield `${name} writes ${describePersist(persist)}`
  for (const { payload } of persist?.entries ?? [])
    if (payload.type === 'membership') yield `${name} has ${describeMembership(payload.membership)}`
  if (restore !== null) yield `${name} restores ${restore.index}/${restore.term}`
  if (apply.length > 0) yield `${name} applies ${apply.map(({ index, term }) => `${index}/${term}`).join(' ')}`
  for (const { id, index } of readStates) yield `${name} read ${id}: ${index === null ? 'cannot say' : `index ${index}`}`
}

class Scenario {
  #cluster = new Cluster({ voters: ['a'] })
  #level: 'none' | 'brief' | 'all' = 'brief'
  #lines: string[] = []

  run(line: string): string[] {
    this.#lines = []
    const [command = '', ...words] = line.split(/\s+/)
    const options = new Map(words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]))
    const names = words.filter((word) => !word.includes('='))
    this.#execute(command, names, options)
    return this.#lines
  }

  #execute(command: string, names: string[], options: Map<string, string>): void {
    const cluster = this.#cluster
    const [first = '', second = ''] = names
    const actions: Record<string, () => void> = {
      cluster: () => this.#begin(options),
      log: () => (this.#level = first as 'none' | 'brief' | 'all'),
      elect: () => cluster.elect(first),
      tick: () => cluster.tick(first),
      due: () => this.#due(first),
      wait: () => (cluster.now += Number(first)),
      run: () => cluster.run(Number(first)),
      settle: () => cluster.settle(),
      deliver: () => cluster.deliver(this.#filter(names)),
      drop: () => this.#drop(names),
      write: () => cluster.finishWrite(first),
      pause: () => (cluster.node(first).diskPaused = true),
      resume: () => (cluster.node(first).diskPaused = false),
      propose: () => cluster.propose(first, second === '' ? 1 : Number(second)),
      read: () => cluster.read(first),
      transfer: () => cluster.transfer(first, second),
      change: () => cluster.change(first, list(options.get('voters')), list(options.get('learners'))),
      compact: () => cluster.compact(first, second === '' ? 0 : Number(second)),
      crash: () => cluster.crash(first, Number(options.get('written') ?? 0)),
      start: () => cluster.start(first),
      add: () => cluster.add(first),
      cut: () => cluster.cut(first, second, names[2] === 'one-way' ? 'one-way' : 'both'),
      isolate: () => cluster.isolate(first),
      heal: () => cluster.heal(),
      status: () => this.#status(names),
    }
    const action = actions[command]
    assert.ok(action !== undefined, `unknown command ${command}`)
    action()
  }

  #begin(options: Map<string, string>): void {
    const logs = list(options.get('logs')).map((log) => {
      const [name = '', terms = ''] = log.split(':')
      return [name, terms.split('.').map(Number)] as const
    })
    this.#cluster = new Cluster({
      voters: list(options.get('voters')),
      learners: list(options.get('learners')),
      logs: Object.fromEntries(logs),
      chunkBytes: Number(options.get('chunk') ?? 16),
    })
    this.#cluster.onEvent = (event) => this.#record(event)
  }

  /** Moves time to the deadline of a replica and ticks it; nothing else happens. */
  #due(name: string): void {
    this.#cluster.now = Math.max(this.#cluster.now, this.#cluster.raft(name).deadline)
    this.#cluster.tick(name)
  }

  #filter(words: readonly string[]): (message: Message) => boolean {
    return ({ from, to, type }) =>
      words.every((word) => word === type || word === `${from}>${to}` || word === `${from}>` || word === `>${to}`)
  }

  #drop(words: readonly string[]): void {
    for (const message of this.#cluster.take(this.#filter(words))) this.#lines.push(`dropped ${describeMessage(message)}`)
  }

  #record(event: ClusterEvent): void {
    if (this.#level === 'none') return
    if (event.type === 'step') {
      this.#lines.push(...describeEffects(event.node, event.effects))
    } else if (event.type === 'written') {
      if (event.job.type === 'persist') this.#lines.push(`${event.node} has written #${event.job.persist.id}`)
    } else if (this.#level === 'all' || (event.message.type !== 'heartbeat' && event.message.type !== 'heartbeat-ack')) {
      this.#lines.push(`${event.type === 'drop' ? 'lost ' : ''}${describeMessage(event.message)}`)
    }
  }

  #status(names: readonly string[]): void {
    for (const { id, raft, machine } of this.#cluster.nodes.values()) {
      if (names.length > 0 && !names.includes(id)) continue
      if (raft === null) {
        this.#lines.push(`${id} is down`)
        continue
      }
      const { role, term, leader, base, commit, leaseUntil, membership } = raft
      const lease = leaseUntil > this.#cluster.now ? ' lease' : ''
      this.#lines.push(
        `${id} ${role}@${term}${lease} leader ${leader ?? 'unknown'} log ${base}+[${termsOf(raft).join(' ')}] commit ${commit} applied ${machine.index}; ${describeMembership(membership)}`,
      )
    }
  }
}

/** Blocks of comments and commands, `----`, and the trace up to an empty line. */
function play(text: string): string {
  const scenario = new Scenario()
  const blocks = text.trimEnd().split(/\n{2,}/)
  const played = blocks.map((block) => {
    const [head = ''] = block.split('\n----')
    const commands = head.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    if (commands.length === 0) return head
    return [head, '----', ...commands.flatMap((command) => scenario.run(command))].join('\n')
  })
  return `${played.join('\n\n')}\n`
}

const files = readdirSync(folder).filter((file) => file.endsWith('.txt'))

test('there are scenarios', () => assert.ok(files.length >= 15))

for (const file of files) {
  const url = new URL(file, folder)
  const text = readFileSync(url, 'utf8')
  const title = text.split('\n')[0]?.replace(/^#\s*/, '') ?? file
  test(`scenario ${file.replace('.txt', '')}: ${title}`, () => {
    const played = play(text)
    if (rewrite) writeFileSync(url, played)
    else assert.equal(played, text)
  })
}
