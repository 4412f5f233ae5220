/** One line that a node wrote, as a person reads it. */
export interface LogLine {
  /** As pino counts: 30 is info, 40 a warning, 50 an error. */
  readonly level: number
  readonly text: string
}

const warning = 40

/** A log line becomes its event and its fields; any other line is a warning, as it is. */
export function readLogLine(line: string): LogLine {
  const fields = fieldsOf(line)
  if (fields === null) return { level: warning, text: line }
  const { level, time: _time, node: _node, msg, ...rest } = fields
  const told = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return { level: typeof level === 'number' ? level : warning, text: [String(msg), ...told].join(' ') }
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith('{')) return null
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    // A line that only looks like JSON.
    return null
  }
}
