import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { Point } from '#console/curve.ts'
import { areaPath, linePath, niceTop } from '#console/curve.ts'
import { amount, rate } from '#console/format.ts'
import { historyMs } from '#console/queue-history.ts'

interface Line {
  readonly name: string
  readonly hue: number
  readonly points: readonly Point[]
}

interface CurvesProps {
  readonly title: string
  /** The instant at the right edge. */
  readonly at: number
  readonly lines: readonly Line[]
}

const size = { width: 600, height: 120 } as const

/** Some curves on one scale, with their last values. */
export function curves({ title, at, lines }: CurvesProps): ComponentChild {
  const top = niceTop(Math.max(0, ...lines.flatMap(({ points }) => points.map(({ value }) => value))))
  const frame = { ...size, from: at - historyMs, to: at, top }
  return h(
    'figure',
    { class: 'curves' },
    h(
      'figcaption',
      null,
      h('h3', null, title),
      h(
        'ul',
        { class: 'legend' },
        lines.map(({ name, hue, points }) =>
          h(
            'li',
            { key: name },
            h('span', { class: `line-mark hue-${hue}`, 'aria-hidden': 'true' }),
            name,
            h('b', null, rate(points.at(-1)?.value ?? 0)),
          ),
        ),
      ),
    ),
    h(
      'div',
      { class: 'plot' },
      h('span', { class: 'top-value dim' }, amount(top)),
      h(
        'svg',
        { viewBox: `0 0 ${size.width} ${size.height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        [0.25, 0.5, 0.75].map((part) =>
          h('line', { key: part, class: 'rule', x1: 0, x2: size.width, y1: size.height * part, y2: size.height * part }),
        ),
        lines.slice(0, 1).map(({ name, hue, points }) => h('path', { key: name, class: `area hue-${hue}`, d: areaPath(points, frame) })),
        lines.map(({ name, hue, points }) => h('path', { key: name, class: `line hue-${hue}`, d: linePath(points, frame) })),
      ),
    ),
    h('div', { class: 'axis dim', 'aria-hidden': 'true' }, h('span', null, '4 min ago'), h('span', null, 'now')),
  )
}
