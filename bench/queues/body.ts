/** In quotes, as JSON, a body has 256 bytes. */
const textLength = 254
const digits = 10

/** The text of a message: its number, over and over, so that a byte that is wrong is seen. */
export const textOf = (number: number): string =>
  String(number)
    .padStart(digits, '0')
    .repeat(Math.ceil(textLength / digits))
    .slice(0, textLength)

/** Null for a text that was never made. */
export function numberOf(text: string): number | null {
  const number = Number(text.slice(0, digits))
  return text === textOf(number) ? number : null
}

/** As bytes, for services that keep bytes: no escapes are in it. */
export const jsonOf = (text: string): string => `"${text}"`

/** The text of `jsonOf`; what is anything else is no text that was ever made. */
export const textIn = (json: string): string => json.slice(1, -1)
