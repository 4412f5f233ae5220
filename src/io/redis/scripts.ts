import { createHash } from 'node:crypto'

/**
 * Every write is one script, so one step of the server. `KEYS` and `ARGV` are listed above each; work is bounded by what the caller hands in.
 *
 * A missing owner is the empty string here. Numbers stay text: they are compared as they are written.
 */
const slotFields = `'owner','epoch','tail','batch','failed','trimmed','place','chunks','bytes','snapshot_index','snapshot_epoch','snapshot_time'`

/** Of a slot's hash, in the order of `slotRecordOf`. */
export const slotFieldNames: readonly string[] = slotFields.replaceAll("'", '').split(',')

/** ARGV[1] owner, ARGV[2] epoch. */
const fence = `
local is = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if (is[1] or '') ~= ARGV[1] or (is[2] or '0') ~= ARGV[2] then return 'lost' end
`
const touch = `redis.call('HINCRBY', KEYS[1], 'touched', 1)`

const texts = {
  // KEYS cluster; ARGV id, slots
  found: `
if redis.call('HSETNX', KEYS[1], 'id', ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'slots', ARGV[2], 'format', '1') end
${touch}
return redis.call('HMGET', KEYS[1], 'id', 'slots', 'format')`,

  // KEYS members; ARGV id, record
  beat: `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGETALL', KEYS[1])`,

  // KEYS members; ARGV id, record, id, record …
  forget: `
for at = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[at]) == ARGV[at + 1] then redis.call('HDEL', KEYS[1], ARGV[at]) end
end
return 'done'`,

  // KEYS slot; ARGV expected owner, expected epoch, owner
  claim: `
local is = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'failed')
local held = (is[1] or '') == ARGV[1] and (is[2] or '0') == ARGV[2] and not is[3]
if held then redis.call('HSET', KEYS[1], 'owner', ARGV[3], 'epoch', string.format('%.0f', tonumber(ARGV[2]) + 1)) end
return { held and 'held' or 'lost', redis.call('HMGET', KEYS[1], ${slotFields}) }`,

  // KEYS slot; ARGV owner, epoch
  assert: `
local is = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
local held = tonumber(is[2] or '0') < tonumber(ARGV[2]) or (is[2] == ARGV[2] and is[1] == ARGV[1])
if held then
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', ARGV[2])
  ${touch}
end
return { held and 'held' or 'lost', redis.call('HMGET', KEYS[1], ${slotFields}) }`,

  // KEYS slot; ARGV owner, epoch
  release: `${fence}
redis.call('HDEL', KEYS[1], 'owner')
return 'written'`,

  // KEYS slot; ARGV owner, epoch, reason
  fail: `${fence}
redis.call('HSET', KEYS[1], 'failed', ARGV[3])
return 'written'`,

  // KEYS slot, log; ARGV owner, epoch, batch, previous index, previous batch, entry …
  append: `${fence}
local tail = redis.call('HMGET', KEYS[1], 'tail', 'batch')
if tail[2] == ARGV[3] then
  ${touch}
  return 'written'
end
if (tail[1] or '0') ~= ARGV[4] or (tail[2] or '') ~= ARGV[5] then return 'elsewhere' end
local index = tonumber(ARGV[4])
for at = 6, #ARGV do
  index = index + 1
  redis.call('HSET', KEYS[2], string.format('%.0f', index), ARGV[at])
end
redis.call('HSET', KEYS[1], 'tail', string.format('%.0f', index), 'batch', ARGV[3])
return 'written'`,

  // KEYS slot, snapshot; ARGV owner, epoch, place, number, bytes, index
  chunk: `${fence}
if redis.call('HGET', KEYS[1], 'place') == ARGV[3] then return redis.error_reply('the snapshot that counts is not written over') end
if ARGV[4] == '0' then
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', KEYS[2], 'index', ARGV[6])
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
return 'written'`,

  // KEYS slot, former snapshot, snapshot; ARGV owner, epoch, place, chunks, bytes, index, epoch of the index, time
  install: `${fence}
if redis.call('HGET', KEYS[3], 'index') ~= ARGV[6] or redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[4]) + 1 then return 'incomplete' end
redis.call('HSET', KEYS[1], 'place', ARGV[3], 'chunks', ARGV[4], 'bytes', ARGV[5], 'snapshot_index', ARGV[6], 'snapshot_epoch', ARGV[7], 'snapshot_time', ARGV[8])
redis.call('UNLINK', KEYS[2])
return 'written'`,

  // KEYS slot, log, kept; ARGV owner, epoch, trimmed, how many go, those that go, those that stay
  trim: `${fence}
local going = tonumber(ARGV[4])
for at = 5, #ARGV do
  if at < 5 + going then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('ZREM', KEYS[3], ARGV[at])
  else
    redis.call('ZADD', KEYS[3], ARGV[at], ARGV[at])
  end
end
redis.call('HSET', KEYS[1], 'trimmed', ARGV[3])
return 'written'`,

  // KEYS log; ARGV from, to, most entries, most bytes
  read: `
local entries, bytes = {}, 0
local last = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) + tonumber(ARGV[3]) - 1)
for index = tonumber(ARGV[1]), last do
  local field = string.format('%.0f', index)
  bytes = bytes + redis.call('HSTRLEN', KEYS[1], field)
  if #entries > 0 and bytes > tonumber(ARGV[4]) then break end
  local entry = redis.call('HGET', KEYS[1], field)
  if not entry then break end
  entries[#entries + 1] = entry
end
return entries`,
} as const

export type ScriptName = keyof typeof texts

export interface Script {
  readonly text: string
  /** By which a server knows it once it has been loaded. */
  readonly sha: string
}

const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

export const scripts = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, scriptOf(text)])) as Readonly<
  Record<ScriptName, Script>
>
