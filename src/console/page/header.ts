import { h } from 'preact'
import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'
import { isUp } from '#console/world.ts'
import type { PanelProps } from './app.ts'
import type { Scene } from './store.ts'
import type { Theme } from './theme.ts'
import { applyTheme, storedTheme, themes } from './theme.ts'

const sections = ['clusters', 'locks', 'queues', 'cache', 'events'] as const

export function header({ scene, actions }: PanelProps): ComponentChild {
  const { nodes } = scene.world
  const up = nodes.filter(isUp).length
  return h(
    'header',
    { class: 'top' },
    h('h1', null, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'Lockstep'),
    h(
      'nav',
      { 'aria-label': 'Sections' },
      sections.map((name) => h('a', { key: name, href: `#${name}` }, name)),
    ),
    h(
      'p',
      { class: 'standing', role: 'status' },
      h('b', { class: up === nodes.length ? '' : up === 0 ? 'bad' : 'warn' }, `${up} of ${nodes.length} nodes`),
      h('span', { class: 'dim serving' }, servingText(scene)),
    ),
    h(
      'button',
      { type: 'button', class: 'quiet live', 'aria-pressed': !scene.paused, onClick: () => actions.pause(!scene.paused) },
      h('span', { class: `dot ${scene.paused ? 'off' : 'good beat'}`, 'aria-hidden': 'true' }),
      'Live',
    ),
    h(themeChoice, null),
  )
}

/** Where this page came from, and whether that still matters. */
function servingText({ world, servedBy, config }: Scene): string {
  const node = world.nodes.find(({ address }) => address === servedBy)
  const name = node?.identity?.node_id ?? config.node_id
  if (node?.health !== 'silent') return `served by ${name}`
  return world.nodes.some(isUp) ? `${name} is gone, going on with the others` : `${name} is gone`
}

function themeChoice(): ComponentChild {
  const [theme, setTheme] = useState<Theme>(storedTheme())
  const change = (event: Event): void => {
    const chosen = (event.currentTarget as HTMLSelectElement).value as Theme
    applyTheme(chosen)
    setTheme(chosen)
  }
  return h(
    'select',
    { class: 'quiet', 'aria-label': 'Theme', value: theme, onChange: change },
    themes.map((name) => h('option', { key: name, value: name }, name)),
  )
}
