/** One step of a thread. What is read goes by the place of the read in its thread. */
export type Step =
  | { readonly type: 'write'; readonly to: string; readonly value: number }
  | { readonly type: 'read'; readonly from: string }

/** Threads that run side by side on variables that are 0 at first, and what is looked at when all are done. */
export interface Program {
  readonly name: string
  readonly threads: readonly (readonly Step[])[]
  readonly finals: readonly string[]
  /** What a memory shows that is weaker than sequentially consistent. */
  readonly forbidden: string
}

const write = (to: string, value = 1): Step => ({ type: 'write', to, value })
const read = (from: string): Step => ({ type: 'read', from })

/** The litmus tests of memory models (Alglave, Maranget, Tautschnig, 2014). */
export const programs: readonly Program[] = [
  { name: 'CoRR', threads: [[write('x')], [read('x'), read('x')]], finals: [], forbidden: '1 0' },
  { name: 'CoWW', threads: [[write('x', 1), write('x', 2)]], finals: ['x'], forbidden: '; x=1' },
  {
    name: 'MP',
    threads: [
      [write('x'), write('y')],
      [read('y'), read('x')],
    ],
    finals: [],
    forbidden: '1 0',
  },
  {
    name: 'SB',
    threads: [
      [write('x'), read('y')],
      [write('y'), read('x')],
    ],
    finals: [],
    forbidden: '0 | 0',
  },
  {
    name: 'LB',
    threads: [
      [read('x'), write('y')],
      [read('y'), write('x')],
    ],
    finals: [],
    forbidden: '1 | 1',
  },
  {
    name: 'IRIW',
    threads: [[write('x')], [write('y')], [read('x'), read('y')], [read('y'), read('x')]],
    finals: [],
    forbidden: '1 0 | 1 0',
  },
  {
    name: '2+2W',
    threads: [
      [write('x', 1), write('y', 2)],
      [write('y', 1), write('x', 2)],
    ],
    finals: ['x', 'y'],
    forbidden: '; x=1 y=1',
  },
  {
    name: 'WRC',
    threads: [[write('x')], [read('x'), write('y')], [read('y'), read('x')]],
    finals: [],
    forbidden: '1 | 1 0',
  },
]
