/** A curve of time as the path of an SVG. */

export interface Point {
  readonly at: number
  readonly value: number
}

export interface Frame {
  readonly width: number
  readonly height: number
  /** Instants at the left and the right edge. */
  readonly from: number
  readonly to: number
  /** The value at the upper edge. */
  readonly top: number
}

/** Empty for no points. What lies beyond an edge is for the SVG to cut off. */
export function linePath(points: readonly Point[], { width, height, from, to, top }: Frame): string {
  const scale = top > 0 ? height / top : 0
  return points
    .map(({ at, value }, index) => {
      const x = ((at - from) / (to - from)) * width
      return `${index === 0 ? 'M' : 'L'}${round(x)} ${round(height - value * scale)}`
    })
    .join('')
}

/** The same, closed along the lower edge. */
export function areaPath(points: readonly Point[], frame: Frame): string {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return ''
  const x = (at: number): number => round(((at - frame.from) / (frame.to - frame.from)) * frame.width)
  return `${linePath(points, frame)}L${x(last.at)} ${frame.height}L${x(first.at)} ${frame.height}Z`
}

/** The next of 1, 2, 5, 10, 20, … that is not below; 1 for nothing. */
export function niceTop(value: number): number {
  if (value <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

const round = (value: number): number => Math.round(value * 10) / 10
