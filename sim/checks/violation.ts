/** A promise was broken: the run ends here, and its seed is worth keeping. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
