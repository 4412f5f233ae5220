import type { PeerResponse, RefusalCode } from '#wire/peer-message.ts'
import type { Group } from './group.ts'

export function refusal(code: RefusalCode, detail: string, group: Group | null = null): PeerResponse {
  return { type: 'refused', code, detail, leader: group?.raft.leader ?? null }
}
