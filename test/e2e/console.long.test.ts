import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { noBrowser, openBrowser } from '#test/harness/browser.ts'
import { Cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { until } from '#test/harness/until.ts'

interface World {
  readonly page: Page
  /** Of a node, by the port that it usually has. */
  readonly url: (port: number) => string
  /** What the page asked for beyond the nodes. */
  readonly strangers: readonly string[]
  /** What the browser complained of. */
  readonly complaints: string[]
}

const nodePorts = [8001, 8002, 8003, 9001, 9002, 9003, 7001, 7002, 7003]

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  assert.ok(response.ok, `${url}: ${response.status} ${await response.text()}`)
}

/** Waits until the page shows it. */
const shown = (page: Page, selector: string, withinMs = 15_000): Promise<void> =>
  until(`the page shows ${selector}`, async () => (await page.locator(selector).count()) > 0, withinMs)

test('the console in a browser', { skip: noBrowser, timeout: 280_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-console-'))
  const offset = await freeOffset()
  const url = (port: number): string => `http://127.0.0.1:${port + offset}`
  try {
    await using up = new Cli(['up', '--data', folder, '--port-offset', String(offset), '--no-restart'])
    try {
      await up.printed(/^ready; the console: /m, 90_000)
      const browser = await openBrowser()
      try {
        const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' })
        const [strangers, complaints]: string[][] = [[], []]
        const known = new Set(nodePorts.map(url))
        page.on('request', (request) => {
          const { origin, href } = new URL(request.url())
          // The nodes are told to kill by another port of this machine.
          if (!known.has(origin) && !/^http:\/\/127\.0\.0\.1:\d+\/kill\/lock-node-\d$/.test(href)) strangers?.push(href)
        })
        page.on('console', (message) => void (message.type() === 'error' && complaints?.push(message.text())))
        page.on('pageerror', (error) => void complaints?.push(error.message))
        // What a browser asks for first is where a person lands.
        await page.goto(url(8001))
        await inAPage(t, { page, url, strangers: strangers ?? [], complaints: complaints ?? [] })
      } finally {
        await browser.close()
      }
    } finally {
      up.signal('SIGINT')
      assert.equal((await up.ended()).code, 0)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function inAPage(t: TestContext, world: World): Promise<void> {
  await t.test('/ leads to the page, which shows three whole clusters and their leaders', () => showsClusters(world))
  await t.test('what happens over the API shows on the page', () => showsChanges(world))
  await t.test('a lock is acquired by keyboard alone', () => worksByKeyboard(world))
  await t.test('nothing is out of reach for anybody, by day and by night', () => isAccessible(world))
  await t.test('at 360 pixels nothing stands out at the side', () => fitsTelephones(world))
  await t.test('nothing was asked of a stranger, and the browser had no complaint', () => {
    assert.deepEqual(world.strangers, [])
    // The deadlock that was made: its last wait is refused.
    assert.deepEqual(
      world.complaints.filter((text) => !text.includes('409 (Conflict)')),
      [],
    )
  })
  await t.test('the page goes on when the node that served it is killed, by its own button', () => outlivesItsNode(world))
}

/** The log tells what happens while the page listens to a node, and it listens to another one only a moment after the first has died. */
async function logsLocks({ page, url }: World, client: string): Promise<void> {
  let number = 0
  await until(
    'the log tells of a lock',
    async () => {
      await post(`${url(8002)}/acquire`, { resource_id: `log-${++number}`, client_id: client })
      return (await page.locator(`.log li:has-text("${client} holds log-")`).count()) > 0
    },
    30_000,
  )
}

async function showsClusters({ page, url }: World): Promise<void> {
  await shown(page, '.cluster tbody tr:nth-child(3)')
  assert.equal(new URL(page.url()).href, `${url(8001)}/console`)
  await until('all are healthy', async () => (await page.locator('.cluster h2 .dot.good').count()) === 3)
  await until('all nodes have been heard', async () => (await page.locator('.standing').innerText()).startsWith('9 of 9 nodes'))
  assert.equal(await page.locator('.tag.leader').count(), 1)
  for (const service of ['queue', 'cache']) {
    const leads = await page.locator(`[aria-labelledby="cluster-${service}"] .share .figure`).allInnerTexts()
    assert.ok(leads.reduce((sum, text) => sum + Number(text), 0) >= 32, `${service}: ${leads.join()}`)
  }
  await until('both rings are drawn', async () => (await page.locator('.ring .slot').count()) === 64)
}

async function showsChanges(world: World): Promise<void> {
  const { page, url } = world
  await post(`${url(8002)}/acquire`, { resource_id: 'db_table', client_id: 'client_A' })
  await post(`${url(8003)}/acquire`, { resource_id: 'db_table', client_id: 'client_B' })
  await shown(page, '.locks tr:has-text("db_table"):has-text("client_A"):has-text("client_B")')
  await shown(page, '.graph[class] text:has-text("client_B")')
  await post(`${url(9002)}/produce`, { queue: 'orders', messages: [{ message: 1 }, { message: 2 }] })
  await until('the queue shows what is in it', async () => (await page.locator('tr:has-text("orders") td').first().innerText()) === '2')
  await until('the key is written', () => post(`${url(7002)}/write/user_1`, { value: 7 }).then(() => true))
  await shown(page, 'button[aria-label^="user_1 is modified on cache-node-2"]')
  // A press on the cell of another node reads the key there.
  await page.locator('button[aria-label^="user_1 is invalid on cache-node-1"]').click()
  await shown(page, 'output:has-text("7: S on cache-node-1, a miss")')
  await shown(page, 'button[aria-label^="user_1 is shared on cache-node-1"]')
  await shown(page, 'button[aria-label^="user_1 is shared on cache-node-2"]')
  await shown(page, 'tr:has(th:has-text("invalid to shared")) td:text-is("1")')
  await shown(page, 'tr:has(th:has-text("modified to shared")) td:text-is("1")')
  await logsLocks(world, 'client_L')
  await page.locator('button:has-text("Make a deadlock")').click()
  await shown(page, '.deadlocks li:has-text("refused to bob-")')
}

async function worksByKeyboard({ page }: World): Promise<void> {
  await page.evaluate('window.scrollTo(0, 0)')
  await page.locator('.skip').focus()
  const reached: string[] = []
  for (let turn = 0; turn < 40 && reached.at(-1) !== 'Resource'; turn++) {
    await page.keyboard.press('Tab')
    reached.push(await page.evaluate<string>(`document.activeElement?.closest('label')?.querySelector('span')?.textContent ?? ''`))
  }
  assert.equal(reached.at(-1), 'Resource', 'the form is in the order of tabs')
  await page.keyboard.press('Control+A')
  await page.keyboard.type('typed')
  await page.keyboard.press('Enter')
  await shown(page, 'output.good:has-text("client_A holds typed")')
}

interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

async function isAccessible({ page }: World): Promise<void> {
  await page.evaluate(axe.source)
  for (const theme of ['light', 'dark']) {
    await page.getByLabel('Theme').selectOption(theme)
    // What is about to fade away is judged when it has.
    const isStill = 'document.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity)'
    await until('nothing fades any more', async () => (await page.evaluate(isStill)) === true)
    const { violations } = await page.evaluate<Found>('axe.run()')
    const told = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`).join('\n')}`,
    )
    assert.deepEqual(told, [], theme)
  }
  await page.getByLabel('Theme').selectOption('auto')
}

async function fitsTelephones({ page }: World): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 })
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
  await page.setViewportSize({ width: 1440, height: 900 })
}

async function outlivesItsNode(world: World): Promise<void> {
  const { page, url, strangers, complaints } = world
  await page.getByLabel('Kill lock-node-1').click()
  await page.getByLabel('Really kill lock-node-1').click()
  await shown(page, '.standing:has-text("8 of 9 nodes"):has-text("lock-node-1 is gone")')
  await shown(page, 'tr.gone:has-text("lock-node-1"):has-text("no answer")')
  await post(`${url(8002)}/acquire`, { resource_id: 'after', client_id: 'client_C' })
  await shown(page, '.locks tr:has-text("after"):has-text("client_C")', 30_000)
  await logsLocks(world, 'client_C')
  assert.deepEqual(strangers, [])
  assert.deepEqual(
    complaints.filter((text) => !/net::ERR_|409 \(Conflict\)/.test(text)),
    [],
  )
}
