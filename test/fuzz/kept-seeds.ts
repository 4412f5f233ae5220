/** An input that found a defect once, or one that was planted: of the seed, the one that fast-check, or a real node's test, names by its path. */
export interface KeptSeed {
  readonly seed: number
  readonly path: string
  readonly why: string
}

/** By what makes the inputs. What a seed makes changes with the code; that these pass is the least that can be asked. */
export const keptSeeds: Readonly<Record<string, readonly KeptSeed[]>> = {
  'wrong POST /acquire': [
    { seed: 107_475_499, path: '7:0:0:0:0:0:0:0:0:0:0:0:0:0:0', why: 'planted: what is no JSON was answered with the lines of a stack' },
  ],
  'records of the journal': [
    {
      seed: 107_360_361,
      path: '759:0:2:0:1:1:1:1',
      why: 'planted: the checksum was of the payload alone, and a record was taken for another',
    },
  ],
}
