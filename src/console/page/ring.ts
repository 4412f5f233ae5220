import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { RingView } from '#api/common/ring.ts'
import { arcPath } from '#console/ring-arcs.ts'
import type { RingSlot } from '#console/ring-slots.ts'
import { ringSlots } from '#console/ring-slots.ts'

const centre = 110
const bands = [
  { inner: 84, outer: 108 },
  { inner: 74, outer: 80 },
  { inner: 66, outer: 72 },
] as const

/** The slots around the circle: who leads in the thick band, the other replicas in the thin ones. */
export function ring({ view, names }: { readonly view: RingView; readonly names: readonly string[] }): ComponentChild {
  const slots = ringSlots(view, names)
  const hues = (slot: RingSlot): readonly number[] => [slot.leader, ...slot.replicas.filter((at) => at !== slot.leader)]
  return h(
    'figure',
    { class: 'ring' },
    h(
      'svg',
      {
        viewBox: '0 0 220 220',
        role: 'img',
        'aria-label': names.map((name, at) => `${name} leads ${slots.filter(({ leader }) => leader === at).length} slots`).join(', '),
      },
      slots.map((slot, index) =>
        h(
          'g',
          { key: slot.slot, class: 'slot' },
          hues(slot)
            .slice(0, bands.length)
            .map((hue, band) =>
              h('path', {
                key: band,
                class: hue < 0 ? 'nobody' : `hue-${hue % 6}`,
                d: arcPath(index, slots.length, { centre, ...(bands[band] ?? bands[0]) }),
              }),
            ),
          h('title', null, slot.text),
        ),
      ),
      h('text', { class: 'ring-figure', x: centre, y: centre + 4, 'text-anchor': 'middle' }, slots.length),
      h('text', { class: 'ring-word', x: centre, y: centre + 22, 'text-anchor': 'middle' }, 'slots'),
    ),
    h(
      'figcaption',
      null,
      h(
        'ul',
        { class: 'legend' },
        view.nodes.map(({ node_id: name, leads }) =>
          h(
            'li',
            { key: name },
            h('span', { class: `node-dot hue-${names.indexOf(name) % 6}`, 'aria-hidden': 'true' }),
            name,
            h('b', null, leads),
          ),
        ),
      ),
    ),
  )
}
