import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { MembersView } from '#api/common/operators.ts'
import type { Command } from '#cli/command.ts'
import { CommandError } from '#cli/command-error.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { membersText } from '#cli/output/members-view.ts'
import { FakeNode, json } from '#cli/service/testkit.ts'
import { clusterCommand } from './cluster.ts'

function mistakesOf(command: Command, given: Readonly<Record<string, string | null>>, ...operands: readonly string[]): readonly string[] {
  const mistakes: string[] = []
  const found = new Map(Object.entries(given).map(([name, value]) => [name, [value]]))
  command.prepare(found, operands, mistakes)
  return mistakes
}

test('a verb takes its own flags and names, and all that is wrong is told at once', () => {
  deepEqual(mistakesOf(clusterCommand, {}, 'members'), [])
  deepEqual(mistakesOf(clusterCommand, { service: 'queue', url: '127.0.0.1:9001', wait: '0' }, 'leave', 'queue-node-1'), [])
  deepEqual(mistakesOf(clusterCommand, { slot: '3', to: 'n2' }, 'transfer'), [])
  deepEqual(mistakesOf(clusterCommand, {}, 'leave'), ['the NAME of the node must be given'])
  deepEqual(mistakesOf(clusterCommand, { slot: '3', force: null }, 'remove', 'a', 'b'), [
    '"b" belongs to no flag',
    '--slot is for transfer',
  ])
  deepEqual(mistakesOf(clusterCommand, { slot: '3', from: 'a' }, 'transfer'), ['transfer takes either --slot or --from'])
  deepEqual(mistakesOf(clusterCommand, { force: null }, 'dance'), [
    'the VERB must be one of members, join, leave, remove, transfer, rebalance',
    '--force is for remove',
  ])
})

const member = { address: '127.0.0.1:1', incarnation: 'i', voter: true, replicas: 2, leads: 1, machine_version: 1 } as const
const view: MembersView = {
  node_id: 'a',
  cluster_id: 'c',
  constants: { revision: 1, heartbeat_ms: 100, election_min_ms: 500, election_max_ms: 1_000, lease_ms: 450 },
  dead_after_ms: 60_000,
  members: [
    { node_id: 'a', state: 'active', since: '2026-01-31T12:00:00.000Z', silent_ms: 0, ...member },
    { node_id: 'b\u001b[J', state: 'dead', since: null, silent_ms: null, ...member, voter: false },
  ],
  moves: [{ slot: 1, from: 'b', to: 'a', step: 'learn' }],
  moves_left: 3,
  pinned_slots: [1],
}
const now = Date.parse('2026-01-31T12:05:00.000Z')

test('members are lines with tabs for programs; on a terminal people also see what moves', () => {
  const plain = { isTerminal: false, paint: (_style: unknown, text: string) => text }
  deepEqual(
    membersText(view, plain, now),
    'a\t127.0.0.1:1\tactive\t5 min\t0 ms\tvoter\t2\t1\nb\\x1b[J\t127.0.0.1:1\tdead\t-\t-\tlearner\t2\t1\n',
  )
  const terminal = membersText(view, { ...plain, isTerminal: true }, now)
  match(terminal, /^NODE .*LEADS\n/)
  match(terminal, /slot 1: b → a \(learn\)\n3 replicas have to move\nleaders chosen by hand of slots 1: /)
  match(terminal, /heartbeat 100 ms, election 500-1000 ms, lease 450 ms, dead after 60000 ms/)
})

test('join that does not wait tells whether the node has joined and has its share', async () => {
  const joining = async (about: Partial<MembersView>): Promise<number> => {
    await using node = await FakeNode.of(json(200, { ...view, members: view.members.slice(0, 1), ...about }))
    const given = { url: node.url, wait: '0' }
    const mistakes: string[] = []
    const found = new Map(Object.entries(given).map(([name, value]) => [name, [value]]))
    return await clusterCommand.prepare(found, ['join', 'a'], mistakes)()
  }
  equal(await joining({ moves_left: 0 }), exitCodes.done)
  for (const about of [{ moves_left: 3 }, { moves_left: 0, members: [] }]) {
    await rejects(joining(about), (error) => error instanceof CommandError && error.exitCode === exitCodes.busy)
  }
})

test('a transfer whose answer was lost is sent again only where it names who is to lead, or who is not', async () => {
  const asksOf = async (given: Readonly<Record<string, string>>): Promise<number> => {
    const telling = json(200, { ...view, members: [] })
    await using node = await FakeNode.of((request, response) => {
      if (request.method === 'GET') telling(request, response)
      else request.socket.destroy()
    })
    const found = new Map(Object.entries({ ...given, url: node.url, timeout: '300ms' }).map(([name, value]) => [name, [value]]))
    await rejects(clusterCommand.prepare(found, ['transfer'], [])(), CommandError)
    return node.asked.filter((asked) => asked === 'POST /cluster/transfer').length
  }
  equal(await asksOf({ slot: '1' }), 1)
  ok((await asksOf({ slot: '1', to: 'b' })) > 1)
  ok((await asksOf({ from: 'b' })) > 1)
})
