/** The slots of a ring, each a piece of a circle. */

interface Circle {
  readonly centre: number
  readonly inner: number
  readonly outer: number
}

/** The path of one of `count` equal pieces, clockwise from the top, with a gap of so many degrees before the next. */
export function arcPath(index: number, count: number, { centre, inner, outer }: Circle, gapDegrees = 1.2): string {
  const piece = 360 / count
  const gap = count === 1 ? 0.01 : Math.min(gapDegrees, piece / 3)
  const [from, to] = [index * piece + gap / 2, (index + 1) * piece - gap / 2]
  const large = to - from > 180 ? 1 : 0
  const point = (radius: number, degrees: number): string => {
    const angle = ((degrees - 90) * Math.PI) / 180
    return `${round(centre + radius * Math.cos(angle))} ${round(centre + radius * Math.sin(angle))}`
  }
  return (
    `M${point(outer, from)}A${outer} ${outer} 0 ${large} 1 ${point(outer, to)}` +
    `L${point(inner, to)}A${inner} ${inner} 0 ${large} 0 ${point(inner, from)}Z`
  )
}

const round = (value: number): number => Math.round(value * 100) / 100
