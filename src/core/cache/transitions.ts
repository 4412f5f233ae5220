/**
 * The protocol of Papamarcos and Patel (1984), as an agent carries it out for one line. The agent looks every change of state up here, and so do
 * the tests, the documents and the console: there is no second copy.
 *
 * What a line may do is decided by whether its lease lives and by what is under way; this table says what its state makes of it.
 */
export type LineState = 'M' | 'E' | 'S' | 'I'

export type LineEvent =
  /** Somebody here wants to read it. */
  | 'read'
  /** Somebody here wants to write it at the level `replicated`. */
  | 'write'
  /** The same at the level `owner`. */
  | 'write-owner'
  /** The home granted what was asked for. */
  | 'grant-shared'
  | 'grant-exclusive'
  | 'grant-modified'
  /** The home carried a write out and keeps the line. */
  | 'written-at-home'
  /** A snoop: another agent reads, and the value here is the one that memory has, or is not. */
  | 'downgrade-same'
  | 'downgrade-other'
  /** A snoop: another agent writes. */
  | 'invalidate'
  /** Making room, or the countdown of its life is over. */
  | 'evict'
  /** The lease lapsed, or the slot has a new home. */
  | 'lapse'

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
