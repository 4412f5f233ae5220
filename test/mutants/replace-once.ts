/** How often `part` occurs in `text`. */
export const occurrences = (text: string, part: string): number => text.split(part).length - 1

/** The replacement is taken as it is: `$` means nothing special. */
export function replaceOnce(text: string, original: string, mutated: string): string {
  const count = occurrences(text, original)
  if (count !== 1) throw new Error(`a stale mutant: its original occurs ${count} times`)
  return text.replace(original, () => mutated)
}
