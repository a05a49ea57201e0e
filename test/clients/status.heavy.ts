/**
 * The status pages in a real browser: its dialogue asks for the token, the charts are drawn and go on by themselves, and
 * the stopwatch tells its times. SCREENSHOTS names a folder for pictures of them.
 */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { api, type Client } from '../support/client.ts'
import type { TestServer } from '../support/test-server.ts'
import { browserPath, openWindow, shootAll, showing } from './browser.ts'

const TOKEN = 'a-token-for-the-status'
const PATIENCE = { timeout: 60_000, interval: 250 }

let server: TestServer
let page: Page
let alice: Client
let room: string
const seen = { faults: [] as string[], hosts: new Set<string>() }

const shown = showing({ 'metrics-token': TOKEN, 'session-cache': 'redis' }, async () => {
  server = shown.server
  alice = await api(server).register('alice')
  room = await alice.createRoom()
  page = await openWindow(shown.browser, seen, {
    viewport: { width: 1080, height: 900 },
    httpCredentials: { username: 'operator', password: TOKEN },
  })
})

const shoot = (name: string) => shootAll({ [`status-${name}`]: page })

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
    const stranger = await (await shown.browser.newContext()).newPage()
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
    expect([...seen.hosts]).toEqual([new URL(server.url).host])
    expect(seen.faults).toEqual([])
  })
})
