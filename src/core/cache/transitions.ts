/**
 * The protocol of Papamarcos and Patel (1984), as an agent carries it out for one line. The agent looks every change of state up here, and so do
 * the tests, the metrics and the console. The page about the protocol shows it, and a test of the house holds the two together.
 *
 * What a line may do is decided by whether its lease lives and by what is under way; this table says what its state makes of it.
 */
export const lineStates = ['M', 'E', 'S', 'I'] as const
export type LineState = (typeof lineStates)[number]

export const lineEvents = [
  /** Somebody here wants to read it. */
  'read',
  /** Somebody here wants to write it at the level `replicated`. */
  'write',
  /** The same at the level `owner`. */
  'write-owner',
  /** The home granted what was asked for. */
  'grant-shared',
  'grant-exclusive',
  'grant-modified',
  /** The home carried a write out and keeps the line. */
  'written-at-home',
  /** A snoop: another agent reads, and the value here is the one that memory has, or is not. */
  'downgrade-same',
  'downgrade-other',
  /** A snoop: another agent writes. */
  'invalidate',
  /** Making room, or the countdown of its life is over. */
  'evict',
  /** The lease lapsed, or the slot has a new home. */
  'lapse',
] as const
export type LineEvent = (typeof lineEvents)[number]

type LineAction =
  /** The line answers by itself. */
  | 'hit'
  /** The home must be asked first. */
  | 'BusRd'
  | 'BusRdX'
  | 'BusUpgr'
  | 'Flush'
  /** The copy that came is kept. */
  | 'fill'
  | 'keep'
  | 'drop'
  | 'none'

export interface Transition {
  readonly next: LineState
  readonly action: LineAction
}

const to = (next: LineState, action: LineAction): Transition => ({ next, action })

const dropped = { 'downgrade-other': to('I', 'drop'), invalidate: to('I', 'drop'), evict: to('I', 'drop'), lapse: to('I', 'drop') } as const

/** A null cannot happen: who has a line does not ask to read it, so it is granted nothing but what it writes. */
export const transitions: Readonly<Record<LineState, Readonly<Record<LineEvent, Transition | null>>>> = {
  M: {
    ...dropped,
    read: to('M', 'hit'),
    write: to('M', 'Flush'),
    'write-owner': to('M', 'hit'),
    'grant-shared': null,
    'grant-exclusive': null,
    'grant-modified': to('M', 'fill'),
    'written-at-home': to('I', 'drop'),
    'downgrade-same': to('S', 'keep'),
  },
  E: {
    ...dropped,
    read: to('E', 'hit'),
    write: to('E', 'Flush'),
    'write-owner': to('M', 'hit'),
    'grant-shared': null,
    'grant-exclusive': null,
    'grant-modified': to('M', 'fill'),
    'written-at-home': to('I', 'drop'),
    'downgrade-same': to('S', 'keep'),
  },
  S: {
    ...dropped,
    read: to('S', 'hit'),
    write: to('S', 'BusUpgr'),
    'write-owner': to('S', 'BusUpgr'),
    'grant-shared': null,
    'grant-exclusive': null,
    'grant-modified': to('M', 'fill'),
    'written-at-home': to('I', 'drop'),
    'downgrade-same': to('S', 'keep'),
  },
  I: {
    read: to('I', 'BusRd'),
    write: to('I', 'BusRdX'),
    'write-owner': to('I', 'BusRdX'),
    'grant-shared': to('S', 'fill'),
    'grant-exclusive': to('E', 'fill'),
    'grant-modified': to('M', 'fill'),
    'written-at-home': to('I', 'none'),
    'downgrade-same': null,
    'downgrade-other': to('I', 'none'),
    invalidate: to('I', 'none'),
    evict: null,
    lapse: null,
  },
}

/** A change of state. */
export interface Edge {
  readonly from: LineState
  readonly next: LineState
}

/** Its name, as `IE`. */
export const edgeName = ({ from, next }: Edge): string => `${from}${next}`

const nextOf = (from: LineState): readonly LineState[] =>
  lineStates.filter((next) => next !== from && lineEvents.some((event) => transitions[from][event]?.next === next))

/** Every one that a line can make. */
export const edges: readonly Edge[] = lineStates.flatMap((from) => nextOf(from).map((next) => ({ from, next })))
