import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { noBrowser, openBrowser } from '#test/harness/browser.ts'
import { Authority, noOpenssl } from '#test/harness/certificates.ts'
import { cli } from '#test/harness/cli.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

interface World {
  readonly addresses: readonly string[]
  readonly token: string
}

/** A node of each service, with certificates, that asks for a token. */
async function start(context: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const ca = new Authority()
  const tokens = join(folder, 'tokens.json')
  const made = await cli(['token', 'create', '--name', 'boss', '--role', 'admin', '--file', tokens])
  assert.equal(made.code, 0, made.stderr)
  const { cert, key } = ca.issueNode()
  const addresses = (await freePorts(3)).map((port) => `127.0.0.1:${port}`)
  const args = ['--tokens', tokens, '--tls-cert', cert, '--tls-key', key, '--tls-ca', ca.cert, '--console-peers', addresses.join(',')]
  const nodes = (['lock', 'queue', 'cache'] as const).map((service, at) => {
    const address = addresses[at] ?? ''
    return new NodeProcess({ id: `${service}-node-1`, address, voters: [address], folder, service, args })
  })
  context.after(async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
    ca[Symbol.dispose]()
  })
  for (const node of nodes) node.start()
  return { addresses, token: made.stdout.trim() }
}

/** What a browser that has asked its user sends, for the page and for nothing else. */
async function landed(browser: Browser, { addresses: [address = ''], token }: World): Promise<Page> {
  const ofUser = { username: 'anybody', password: token, origin: `https://${address}` }
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true, httpCredentials: ofUser })).newPage()
  await until(
    'the page is there',
    async () => {
      try {
        return (await page.goto(`https://${address}/console`))?.status() === 200
      } catch {
        // The node does not listen yet.
        return false
      }
    },
    120_000,
  )
  return page
}

const shown = (page: Page, selector: string): Promise<void> =>
  until(`the page shows ${selector}`, async () => (await page.locator(selector).count()) > 0, 30_000)

const form = (page: Page, name: string): ReturnType<Page['locator']> => page.locator(`form[aria-label="${name}"]`)

const skip = noBrowser === false ? noOpenssl : noBrowser

const markup = `<img src=x onerror="document.title='broken'">`

test('the console acts with the token of its tab, over TLS, and takes no name for markup', { skip, timeout: 280_000 }, async (t) => {
  const world = await start(t)
  const browser = await openBrowser()
  t.after(() => browser.close())
  const page = await landed(browser, world)
  const complaints: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
  page.on('pageerror', (error) => void complaints.push(error.message))

  await shown(page, 'form.token-form')
  await page.locator('#token').fill('lockstep_wrong')
  await page.locator('button:has-text("Use it in this tab")').click()
  await shown(page, 'label:has-text("That token is not known here")')
  await page.locator('#token').fill(world.token)
  await page.locator('button:has-text("Use it in this tab")').click()
  await until('all nodes have been heard', async () => (await page.locator('.standing').innerText()).startsWith('3 of 3 nodes'), 60_000)

  const locks = form(page, 'Acquire and release locks')
  await locks.locator('input[name=resource]').fill(markup)
  await locks.locator('input[name=client]').fill(markup)
  await locks.locator('button:has-text("Acquire")').click()
  await shown(page, 'output.good:has-text("holds <img")')
  await shown(page, '.locks tr:has-text("<img src=x")')

  const queues = page.locator('form:has(input[name=queue])')
  await queues.locator('input[name=queue]').fill(markup)
  await queues.locator('button:has-text("Produce")').first().click()
  await shown(page, 'output.good:has-text("in <img")')
  await shown(page, 'tr:has-text("<img src=x") td')
  await queues.locator('button:has-text("Consume")').first().click()
  await shown(page, 'output.good:has-text("consumed and acked")')

  const cache = page.locator('form:has(input[name=key])')
  await cache.locator('input[name=key]').fill(markup)
  await cache.locator('button:has-text("Write")').click()
  await shown(page, 'output.good:has-text("is M on cache-node-1")')
  await shown(page, 'button[aria-label^="<img src=x"]')

  assert.equal(await page.locator('img').count(), 0)
  assert.equal(await page.title(), 'Lockstep')
  assert.equal(await page.locator('[aria-label^="Kill"]').count(), 0, 'nobody kills where tokens are asked for')
  assert.deepEqual(
    complaints.filter((text) => !text.includes('401 (Unauthorized)')),
    [],
  )
})
