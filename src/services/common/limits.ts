/** Times of calls between a service's nodes. */
export const pathLimits = {
  /** For what became of a command: whoever is told that it is unknown has to look for himself. */
  commandMs: 8_000,
  /** For a question to be answered; a wait comes on top. */
  answerMs: 5_000,
  /** For one node to answer another. */
  askMs: 1_000,
  /** Before what failed is tried again. */
  restMs: 50,
} as const
