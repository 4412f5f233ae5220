const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')

/** Text whose `code` is marked by backticks. */
export const prose = (text: string): string =>
  text
    .split('\n\n')
    .map((paragraph) => escaped(paragraph).replaceAll(/`([^`]+)`/g, '<code>$1</code>'))
    .join('<br>')
