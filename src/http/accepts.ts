interface Range {
  readonly type: string
  readonly quality: number
}

/** Which of the media types on offer the header `Accept` prefers; the first one when it does not say. */
export function preferredType<Offer extends string>(accept: string | undefined, offers: readonly [Offer, ...Offer[]]): Offer {
  const ranges = rangesOf(accept ?? '')
  let best: { readonly offer: Offer; readonly quality: number; readonly named: boolean; readonly at: number } | null = null
  for (const offer of offers) {
    const at = ranges.findIndex(({ type }) => type === offer)
    const wide = ranges.find(({ type }) => type === '*/*' || type === `${offer.split('/')[0]}/*`)
    const found = ranges[at] ?? wide
    if (found === undefined || !(found.quality > 0)) continue
    const candidate = { offer, quality: found.quality, named: at >= 0, at }
    if (best === null || isBetter(candidate, best)) best = candidate
  }
  return best?.offer ?? offers[0]
}

interface Candidate {
  readonly quality: number
  readonly named: boolean
  readonly at: number
}

/** By quality; then what is named before what is only matched; then as the header has them. */
function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.quality !== other.quality) return one.quality > other.quality
  if (one.named !== other.named) return one.named
  return one.named && one.at < other.at
}

function rangesOf(accept: string): readonly Range[] {
  return accept
    .slice(0, 2_000)
    .split(',')
    .map((part): Range => {
      const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1'
      return { type, quality: Number.parseFloat(quality) }
    })
}
