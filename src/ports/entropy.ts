/** Randomness that names things for good. Never drawn inside a state machine. */
export interface Entropy {
  /** So many random bytes, as hexadecimal digits. */
  hex(bytes: number): string
}
