/** Prose in lines of that width. A paragraph ends at an empty line, and before and after a line that is indented, which stays as it is. */
export function wrap(text: string, width: number): string {
  const lines: string[] = []
  let open = false
  for (const line of text.split('\n')) {
    const isProse = /^\S/.test(line)
    if (!isProse) lines.push(line)
    for (const word of isProse ? line.split(' ') : []) {
      const last = lines.at(-1) ?? ''
      if (open && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
      else lines.push(word)
      open = true
    }
    open = isProse && !line.endsWith(':')
  }
  return lines.join('\n')
}
