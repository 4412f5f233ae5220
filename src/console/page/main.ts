import { h, render } from 'preact'
import type { ConsoleConfig } from '#api/common/console.ts'
import { Actions } from './actions.ts'
import { app } from './app.ts'
import { NodeClient } from './node-client.ts'
import { Store } from './store.ts'
import { applyTheme, storedTheme } from './theme.ts'
import { tokenForm } from './token-form.ts'
import { Watcher } from './watcher.ts'

/** Begins when the page is loaded: asks whom to show, then draws what these say. */

const root = document.querySelector('#console') ?? document.body
const client = new NodeClient()
applyTheme(storedTheme())

async function begin(): Promise<void> {
  const answer = await client.ask<ConsoleConfig>(location.host, '/console/config')
  switch (answer.type) {
    case 'answered':
      return show(answer.body)
    case 'locked':
      return render(h(tokenForm, { wasWrong: client.hasToken, use }), root)
    case 'refused':
    case 'silent':
      render(h('p', { class: 'alone', role: 'status' }, answer.type === 'silent' ? 'This node does not answer yet.' : answer.message), root)
      setTimeout(() => void begin(), 1_000)
  }
}

function use(token: string): void {
  client.useToken(token)
  void begin()
}

function show(config: ConsoleConfig): void {
  const store = new Store(config, (scene) => render(h(app, { scene, actions }), root))
  const watcher = new Watcher(client, store)
  const actions = new Actions(client, store, watcher)
  watcher.start()
}

await begin()
