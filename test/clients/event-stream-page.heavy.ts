/** The page of the event stream in a real browser. SCREENSHOTS names a folder for a picture of it. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GroupConsumer } from '../../clients/event-stream/index.ts'
import { newToken } from '../event-stream/reader.ts'
import { serving } from '../support/serving.ts'
import { browserPath, launchBrowser } from './browser.ts'

const ROOMS = 12
const PATIENCE = { timeout: 60_000, interval: 250 }

if (browserPath === undefined) console.log('no Chromium is installed: the tests in a browser are skipped')

describe.skipIf(browserPath === undefined)('the page of the event stream', () => {
  const { server, http, alice } = serving(['alice'], { 'event-stream': 'on' })
  const consumers: GroupConsumer[] = []
  const faults: string[] = []
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    for (let n = 0; n < ROOMS; n += 1) {
      const roomId = await alice.createRoom()
      for (let m = 0; m <= n * 2; m += 1) await alice.say(roomId, `message ${m}`)
    }
    for (const client of ['search-1', 'search-2']) {
      const { token } = await newToken(server, http, { topics: ['events'], group: 'search' })
      const each = async () => undefined
      consumers.push(
        new GroupConsumer({ url: server.url, token, group: 'search', topics: ['events'], client, each }),
      )
    }
    for (const consumer of consumers) void consumer.run().catch((error) => faults.push(String(error)))
    browser = await launchBrowser()
    page = await (await browser.newContext({ viewport: { width: 1080, height: 1240 } })).newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (line) => line.type() === 'error' && faults.push(line.text()))
    await page.goto(`${server.url}/_selvedge/stream/page`)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await Promise.all(consumers.map((consumer) => consumer.stop()))
  })

  const section = (title: string) => page.locator('section', { has: page.locator('h2', { hasText: title }) })

  it('shows groups with their members and lag, and what each topic has', async () => {
    const { token } = await newToken(server, http)
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Show' }).click()
    await expect.poll(() => section('Group search').locator('h2').textContent(), PATIENCE).toMatch(/lag 0/)
    const members = section('Group search').locator('table').first().locator('tbody tr')
    // Each has half of the sixteen partitions, once the first has let go of them.
    await expect
      .poll(
        async () => (await members.allTextContents()).map((text) => text.slice(0, 9)).toSorted(),
        PATIENCE,
      )
      .toEqual(['search-18', 'search-28'])
    const committed = section('Group search').locator('table').nth(1)
    await expect
      .poll(() => committed.textContent(), PATIENCE)
      .toMatch(/search-1.*search-2|search-2.*search-1/)
    expect(await section('Topic events').locator('tbody tr').count()).toBeGreaterThan(0)
    const folder = process.env.SCREENSHOTS
    if (folder !== undefined) await page.screenshot({ path: join(folder, 'event-stream.png') })
  })

  it('goes on by itself', async () => {
    const end = async () =>
      (await section('Topic events').locator('tbody tr td:nth-child(3)').allTextContents()).reduce(
        (sum, text) => sum + Number(text.replaceAll(/\D/g, '')),
        0,
      )
    const before = await end()
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'one more')
    await expect.poll(end, PATIENCE).toBeGreaterThan(before)
  })

  it('says what is wrong with a token', async () => {
    await page.getByLabel('Token').fill('no token')
    await page.getByRole('button', { name: 'Show' }).click()
    await expect.poll(() => page.locator('#state').textContent(), PATIENCE).toMatch(/token/i)
    // The browser itself says that the answer was 401.
    expect(faults.filter((fault) => !fault.includes('401'))).toEqual([])
  })
})
