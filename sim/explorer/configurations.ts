import type { Budget, Configuration, Wish } from './scene.ts'

const none: Budget = { loss: 0, double: 0, lapse: 0, retry: 0, later: 0, home: 0 }
const key = 'k'
const read: Wish = { type: 'read', key }
const set = (value: string): Wish => ({ type: 'set', key, value })
const own = (value: string): Wish => ({ type: 'own', key, value })
const fill: Wish = { type: 'fill', key }
const store = (value: string): Wish => ({ type: 'store', key, value })
const add: Wish = { type: 'add', key }
const leave: Wish = { type: 'leave' }
/** Of another key. */
const readOther: Wish = { type: 'read', key: 'l' }

/** Both have a session, and A has the line. */
const owned = [
  { agent: 'B', ...read },
  { agent: 'A', ...set('0') },
]
/** Both have the line. */
const shared = [
  { agent: 'A', ...set('0') },
  { agent: 'B', ...read },
]

/** Transactions of a key, and what may go wrong with them. Each is small, and explored whole. */
export const configurations: readonly Configuration[] = [
  { name: 'two writers', before: [], programs: { A: [read, set('1'), read], B: [set('2'), read] }, budget: none },
  { name: 'write-behind', before: [], programs: { A: [set('1'), own('2'), read], B: [read, set('3'), read] }, budget: none },
  { name: 'doubled messages', before: shared, programs: { A: [set('1'), own('2')], B: [set('3'), read] }, budget: { ...none, double: 1 } },
  { name: 'a doubled grant', before: owned, programs: { A: [own('1'), read], B: [read, own('2')] }, budget: { ...none, double: 1 } },
  { name: 'a lost message', before: shared, programs: { A: [set('1')], B: [set('2'), read] }, budget: { ...none, loss: 1, retry: 1 } },
  { name: 'a lease that lapses', before: owned, programs: { A: [own('1')], B: [set('2')] }, budget: { ...none, lapse: 1 } },
  { name: 'a late lease', before: [{ agent: 'B', ...read }], programs: { A: [set('1')], B: [set('2')] }, budget: { ...none, lapse: 1 } },
  { name: 'another home', before: owned, programs: { A: [own('1'), set('2')], B: [set('3'), read] }, budget: { ...none, home: 1 } },
  {
    name: 'the same home again',
    before: owned,
    programs: { A: [own('1'), set('2')], B: [set('3'), read] },
    budget: { ...none, home: 1 },
    local: { agent: 'A', again: true },
  },
  {
    name: 'a home that moves away',
    before: owned,
    programs: { A: [own('1'), set('2')], B: [set('3'), read] },
    budget: { ...none, home: 1 },
    local: { agent: 'A', again: false },
  },
]

/** What homes and agents do beside those: give tokens, end lives, make room, turn away, renew leases, leave. */
export const choreConfigurations: readonly Configuration[] = [
  {
    name: 'two loaders',
    before: [],
    programs: { A: [fill, store('1'), read], B: [fill, store('2'), read] },
    budget: none,
  },
  {
    name: 'a loader and a writer',
    before: [{ agent: 'B', ...readOther }],
    programs: { A: [fill, store('1')], B: [read, own('2'), read] },
    budget: { ...none, double: 1 },
  },
  {
    name: 'a life that ends',
    before: [
      { agent: 'B', ...readOther },
      { agent: 'A', type: 'brief', key, value: '0', lifeMs: 300 },
    ],
    programs: { A: [own('1')], B: [read, set('2')] },
    budget: { ...none, retry: 1 },
  },
  {
    name: 'room for one line',
    before: owned,
    programs: { A: [own('1'), readOther, read], B: [set('2'), readOther] },
    budget: none,
    limits: { linesMax: 1 },
  },
  {
    name: 'a full directory',
    before: [
      { agent: 'B', ...readOther },
      { agent: 'A', ...set('0') },
    ],
    programs: { A: [own('1')], B: [read, set('2')] },
    budget: { ...none, retry: 1 },
    limits: { directoryMax: 1 },
  },
  {
    name: 'a home that has enough to do',
    before: shared,
    programs: { A: [set('1'), read], B: [set('2'), read] },
    budget: { ...none, double: 1 },
    limits: { queuedPerKeyMax: 1 },
  },
  {
    name: 'leases that are renewed',
    before: owned,
    programs: { A: [], B: [set('1')] },
    budget: { ...none, later: 2 },
    limits: { renewMs: 300 },
  },
  {
    name: 'a late renewal',
    before: owned,
    programs: { A: [own('1'), read], B: [set('2')] },
    budget: { ...none, lapse: 1 },
    limits: { lingerMs: 2_000, retryMs: 200 },
  },
  {
    name: 'a late renewal of a sharer',
    before: shared,
    programs: { A: [set('1'), read], B: [set('2')] },
    budget: { ...none, lapse: 1 },
    limits: { lingerMs: 2_000, retryMs: 200 },
  },
  {
    name: 'an agent that leaves',
    before: shared,
    programs: { A: [set('1'), leave], B: [set('2'), read] },
    budget: { ...none, double: 1 },
  },
]

/** For the rules that nothing above depends on. */
export const ruleConfigurations: readonly Configuration[] = [
  { name: 'messages of a former home', before: [], programs: { A: [set('1')], B: [read] }, budget: { ...none, home: 1 }, late: true },
  { name: 'additions and another home', before: [], programs: { A: [add], B: [add] }, budget: { ...none, home: 1 } },
  {
    // Its owner, who cannot know how fast its own clock runs, takes it for over a tenth before its time.
    name: 'a life that is nearly over',
    before: [
      { agent: 'B', ...readOther },
      { agent: 'A', type: 'brief', key, value: '0', lifeMs: 420 },
    ],
    programs: { A: [read], B: [read] },
    budget: { ...none, retry: 2 },
  },
  { name: 'a directory that is empty again', before: [], programs: { A: [set('1'), leave], B: [set('2')] }, budget: none },
]

/** Two kinds of faults: most of the time goes here. */
export const longConfigurations: readonly Configuration[] = [
  {
    name: 'a lapse, then another home',
    before: owned,
    programs: { A: [own('1')], B: [read] },
    budget: { ...none, home: 1, lapse: 1 },
    first: 'lapse',
  },
  {
    name: 'another home, then a lapse',
    before: owned,
    programs: { A: [own('1')], B: [read] },
    budget: { ...none, home: 1, lapse: 1 },
    first: 'home',
  },
  {
    name: 'a session that lingers, and another home',
    before: owned,
    programs: { A: [own('1')], B: [read] },
    budget: { ...none, home: 1, lapse: 1 },
    limits: { lingerMs: 2_000, retryMs: 200 },
    first: 'lapse',
  },
]
