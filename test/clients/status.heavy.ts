/**
 * The status pages in a real browser: its dialogue asks for the token, the charts are drawn and go on by themselves, and
 * the stopwatch tells its times. SCREENSHOTS names a folder for pictures of them.
 */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, type Client } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { browserPath, launchBrowser } from './browser.ts'

const TOKEN = 'a-token-for-the-status'
const PATIENCE = { timeout: 60_000, interval: 250 }

if (browserPath === undefined) console.log('no Chromium is installed: the tests in a browser are skipped')

let server: TestServer
let browser: Browser
let page: Page
let alice: Client
let room: string
const faults: string[] = []
const hosts = new Set<string>()

beforeAll(async () => {
  if (browserPath === undefined) return
  server = await startServer({ 'metrics-token': TOKEN, 'session-cache': 'redis' })
  alice = await api(server).register('alice')
  room = await alice.createRoom()
  browser = await launchBrowser()
  const context = await browser.newContext({
    viewport: { width: 1080, height: 900 },
    httpCredentials: { username: 'operator', password: TOKEN },
  })
  page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  page.on('console', (line) => line.text().includes('Content Security Policy') && faults.push(line.text()))
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

async function shoot(name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder !== undefined) await page.screenshot({ path: join(folder, `status-${name}.png`) })
}

const tile = async (title: string) =>
  Number(
    (await page.locator('.tiles div', { hasText: title }).locator('dd').textContent())?.replace(/\D/g, ''),
  )
const points = async () => JSON.parse((await page.locator('#points').textContent()) ?? '[]') as unknown[]
/** How many pixels of the charts are drawn in the colour of a line. */
const drawn = () =>
  page.evaluate(() =>
    [...document.querySelectorAll('canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      return data.filter((value, index) => index % 4 === 3 && value > 0).length
    }),
  )

describe.skipIf(browserPath === undefined)('the status pages', () => {
  it('are not shown without the token', async () => {
    const stranger = await (await browser.newContext()).newPage()
    // As where somebody closes the dialogue that asks for it.
    await expect(stranger.goto(`${server.url}/_selvedge/status`)).rejects.toThrow(
      'ERR_INVALID_AUTH_CREDENTIALS',
    )
    expect(await stranger.locator('main').count()).toBe(0)
  })

  it('draw their charts, and go on by themselves as the server is used', async () => {
    await page.goto(`${server.url}/_selvedge/status`)
    const before = await tile('Events so far')
    const count = 5
    for (let times = 0; times < count; times += 1) await alice.say(room, 'hello')
    await expect.poll(() => tile('Events so far'), PATIENCE).toBeGreaterThanOrEqual(before + count)
    const used = async () => {
      await alice.say(room, 'more')
      await alice.sync({ timeout: 0 })
      return (await points()).length
    }
    await expect.poll(used, PATIENCE).toBeGreaterThan(4)
    const pixels = await drawn()
    expect(pixels).toHaveLength(8)
    for (const each of pixels) expect(each).toBeGreaterThan(100)
    await shoot('overview')
  })

  it('lead to a page for each store', async () => {
    for (const name of ['Redis', 'Postgres', 'Media']) {
      await page.click(`nav a:has-text("${name}")`)
      await page.locator('h1', { hasText: name }).waitFor()
      expect((await drawn()).length).toBeGreaterThanOrEqual(2)
      await shoot(name.toLowerCase())
    }
  })

  it('time the services by a button', async () => {
    await page.click('nav a:has-text("Redis")')
    await page.click('#stopwatch button')
    const output = page.locator('#stopwatch output')
    await expect
      .poll(() => output.textContent(), PATIENCE)
      .toMatch(/^1000 operations of Redis in \d+ ms: .* 100 updates of presence in \d+ ms/)
    await shoot('stopwatch')
  })

  it('ask nobody else for anything, and break nothing', () => {
    expect([...hosts]).toEqual([new URL(server.url).host])
    expect(faults).toEqual([])
  })
})
