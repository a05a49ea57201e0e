/**
 * The demo page in two windows of a real browser: two people enter one group, see each other come, type, speak, read and go
 * away, and go on after the server was killed. SCREENSHOTS names a folder for pictures of it.
 */
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { browserPath, launchBrowser, openWindow } from './browser.ts'

if (browserPath === undefined) console.log('no Chromium is installed: the tests in a browser are skipped')

let server: TestServer
let browser: Browser
let alice: Page
let bob: Page
const faults: string[] = []
/** Hosts that the pages asked for anything. */
const hosts = new Set<string>()

const message = (page: Page, text: string): Locator => page.locator('#messages li', { hasText: text })
const person = (page: Page, name: string): Locator => page.locator(`#people li[data-user^="@${name}:"]`)

async function shoot(name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined) return
  for (const [who, page] of Object.entries({ alice, bob }))
    await page.screenshot({ path: join(folder, `demo-${name}-${who}.png`) })
}

async function enter(page: Page, name: string): Promise<void> {
  await page.fill('[name=name]', name)
  await page.fill('[name=password]', 'correct horse')
  await page.click('button[value=register]')
  await page.locator('#me', { hasText: `@${name}:${server.serverName}` }).waitFor()
  await page.locator('#state', { hasText: 'connected' }).waitFor()
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#say [name=text]').pressSequentially(text)
  await page.press('#say [name=text]', 'Enter')
}

beforeAll(async () => {
  if (browserPath === undefined) return
  server = await startServer({ demo: 'on' })
  browser = await launchBrowser()
  const url = `${server.url}/_selvedge/demo`
  alice = await openWindow(browser, url, faults)
  bob = await openWindow(browser, url, faults)
  for (const page of [alice, bob]) {
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    page.on('console', (line) => line.text().includes('Content Security Policy') && faults.push(line.text()))
  }
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

describe.skipIf(browserPath === undefined)('the demo page', () => {
  it('lets two people make accounts and enter one group, which the first one makes', async () => {
    await shoot('empty')
    await enter(alice, 'alice')
    await person(alice, 'alice').waitFor()
    await enter(bob, 'bob')
    for (const page of [alice, bob])
      for (const name of ['alice', 'bob']) await person(page, name).and(page.locator('.online')).waitFor()
  })

  it('shows the other typing, then the message, and that it was read', async () => {
    await alice.locator('#say [name=text]').pressSequentially('Good')
    await bob.locator('#typing', { hasText: 'is typing' }).waitFor()
    await shoot('typing')
    await say(alice, ' morning, Bob')
    await message(bob, 'Good morning, Bob').waitFor()
    await expect.poll(() => bob.locator('#typing').textContent()).toBe('')
    await message(alice, 'Good morning, Bob').locator('.reader', { hasText: 'read by bob' }).waitFor()
    await say(bob, 'Good morning! <b>Not bold</b>')
    await message(alice, '<b>Not bold</b>').waitFor()
    await shoot('talk')
  })

  it('shows that the other is away, and back', async () => {
    await bob.check('#away')
    await person(alice, 'bob').and(alice.locator('.unavailable')).waitFor()
    await shoot('away')
    await bob.uncheck('#away')
    await person(alice, 'bob').and(alice.locator('.online')).waitFor()
  })

  it('goes on after the server was killed', async () => {
    await server.restart()
    await say(alice, 'Are you still there?')
    await message(bob, 'Are you still there?').waitFor()
    expect(await message(bob, 'Are you still there?').count()).toBe(1)
    await shoot('restarted')
  })

  it('asks nobody but the server, and breaks no rule of its policy', () => {
    expect([...hosts]).toEqual([new URL(server.url).host])
    expect(faults).toEqual([])
  })
})
