import { anyToken, operator } from '#api/access/access.ts'
import { Type } from '#api/type.ts'
import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import { json, route } from '#api/route.ts'
import type { AnswerOf, RequestOf, Route } from '#api/route.ts'
import { boolean, closed, count, instant, integer, listOf, literal, nullable, oneOf, optional, text } from '#api/schemas.ts'
import { serviceErrors } from './errors.ts'
import { consistency, memberState, nodeId } from './words.ts'

/** What those ask who look after a cluster; by any node. */

const tag = 'Cluster'
const audited = 'Leaves a line in the audit log.'
const nodeName = text(256, { description: 'The name of a node.', examples: ['lock-node-1'] })
const slotNumber = integer(0, 65_535)

const constantsView = closed(
  {
    revision: count({ description: 'One more with every change.' }),
    heartbeat_ms: count(),
    election_min_ms: count(),
    election_max_ms: count(),
    lease_ms: count(),
  },
  { title: 'ConstantsView', description: 'The same on all nodes; set when the cluster was formed.' },
)

const memberStatus = closed(
  {
    node_id: nodeId,
    address: Type.String({ description: 'Host and port.' }),
    incarnation: Type.String({ description: 'Another one under the same name is another node: it lost its disk.' }),
    state: memberState,
    since: nullable(instant({ description: 'When it came into that state; null where this is not known.' })),
    silent_ms: nullable(
      count({
        description:
          'For how long the others have not heard of it: beyond `dead_after_ms` it is taken for dead. Null: never, or not known.',
      }),
    ),
    voter: boolean({ description: 'It votes in the meta group, which decides who is a member; the others follow that as learners.' }),
    replicas: count({ description: 'Slots of which it has a replica, or is about to have one; the meta group counts too.' }),
    leads: count({ description: 'Slots that it should lead; leadership follows within seconds.' }),
    machine_version: count({ description: 'The newest that it can run.' }),
  },
  { title: 'MemberStatus' },
)

const moveView = closed(
  {
    slot: slotNumber,
    from: nullable(nodeId),
    to: nullable(nodeId),
    step: oneOf(['learn', 'catch-up', 'switch', 'retire', 'revert']),
  },
  { title: 'MoveView' },
)

const membersView = closed(
  {
    node_id: { ...nodeId, description: 'Who answered.' },
    cluster_id: nullable(Type.String()),
    constants: nullable(constantsView),
    dead_after_ms: nullable(count()),
    members: listOf(memberStatus, { maxItems: 1_024 }),
    moves: listOf(moveView, { maxItems: 1_024, description: 'Of replicas, under way.' }),
    moves_left: count({ description: 'Those, and those that will be planned until every node has its share.' }),
    pinned_slots: listOf(slotNumber, { maxItems: 65_536, description: 'Whose leaders an operator chose: they are not balanced.' }),
  },
  { title: 'MembersView' },
)

const leaderMove = closed({ slot: slotNumber, from: nullable(nodeId), to: nodeId }, { title: 'LeaderMove' })

const leaving = closed(
  { status: literal('leaving'), node_id: nodeId, replicas: count({ description: 'That must move before it goes.' }) },
  { title: 'Leaving' },
)
const removed = closed({ status: literal('removed'), node_id: nodeId }, { title: 'Removed' })
const transferring = closed(
  {
    status: literal('transferring'),
    leaders: listOf(leaderMove, { maxItems: 65_536 }),
    skipped: listOf(slotNumber, { maxItems: 65_536, description: 'Slots that nobody could take who was asked for.' }),
  },
  { title: 'Transferring' },
)
const rebalancing = closed(
  { status: literal('rebalancing'), slots: listOf(slotNumber, { maxItems: 65_536, description: 'Whose leaders were pinned.' }) },
  { title: 'Rebalancing' },
)

const errors = [...serviceErrors, 'unsupported'] as const

export const operatorRoutes = {
  members: route({
    id: 'members',
    access: anyToken,
    method: 'GET',
    path: '/cluster/members',
    tag,
    summary: 'Members, constants and moves',
    description: 'As the leader of the meta group has them; with `consistency=local` as this node does, also without a leader.',
    query: closed({ consistency: optional(consistency) }),
    answers: [json(200, 'The members.', membersView)],
    errors: serviceErrors,
  }),
  leave: route({
    id: 'leave',
    access: operator,
    method: 'POST',
    path: '/cluster/leave',
    tag,
    summary: 'A node leaves',
    description: `It hands over what it leads, its replicas move to others, then it is removed and its process ends. Answers once that is decided; \`GET /cluster/members\` shows how far it is. With \`node_id\` it may be sent again. ${audited}`,
    body: closed(
      { node_id: optional(nodeName) },
      { title: 'LeaveRequest', description: 'The node that is asked, unless another is named.' },
    ),
    // Sent to another node without a name, it would mean that one.
    repeatable: false,
    answers: [json(200, 'It is leaving.', leaving)],
    errors: [...errors, 'unknown_member', 'member_dead', 'last_member'],
  }),
  remove: route({
    id: 'removeMember',
    access: operator,
    method: 'POST',
    path: '/cluster/remove',
    tag,
    summary: 'Remove a dead node for good',
    description: `Its replicas are replaced at once. With what it has stored it can never come back; with an empty store it may join. With \`force\` also one that is silent and not taken for dead yet. ${audited}`,
    body: closed({ node_id: nodeName, force: optional(boolean()) }, { title: 'RemoveRequest' }),
    answers: [json(200, 'It is removed.', removed)],
    errors: [...errors, 'unknown_member', 'member_alive', 'no_majority'],
  }),
  transfer: route({
    id: 'transfer',
    access: operator,
    method: 'POST',
    path: '/cluster/transfer',
    tag,
    summary: 'Hand leadership over',
    description: `Of one \`slot\`, or of all that the node \`from\` leads; to the node \`to\`, or to whoever leads least. It stays where it was put until that node cannot lead, or until \`POST /cluster/rebalance\`. Answers once that is decided; it is so within seconds. With \`to\` or \`from\` it may be sent again; a \`slot\` alone would be handed on once more. ${audited}`,
    body: closed({ slot: optional(slotNumber), from: optional(nodeName), to: optional(nodeName) }, { title: 'TransferRequest' }),
    // Without `to`, once more is one further.
    repeatable: false,
    answers: [json(200, 'Leadership goes there.', transferring)],
    errors: [...errors, 'unknown_member', 'unknown_slot', 'cannot_lead'],
  }),
  rebalance: route({
    id: 'rebalance',
    access: operator,
    method: 'POST',
    path: '/cluster/rebalance',
    tag,
    summary: 'Spread leadership evenly again',
    description: `Undoes what was chosen by \`POST /cluster/transfer\`. ${audited}`,
    answers: [json(200, 'Leadership is balanced from now on.', rebalancing)],
    errors,
  }),
} as const satisfies Readonly<Record<string, Route>>

export type MembersView = AnswerOf<typeof operatorRoutes.members>

type Answering<R extends Route> = (request: RequestOf<R>, call: Call) => Promise<Result<AnswerOf<R>, Fault<R['errors'][number]>>>

export type OperatorApi = { readonly [Name in keyof typeof operatorRoutes]: Answering<(typeof operatorRoutes)[Name]> }
