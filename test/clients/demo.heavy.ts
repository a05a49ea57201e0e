/**
 * The demo page in two windows of a real browser: two people enter one group, see each other come, type, speak, read and go
 * away, and go on after the server was killed. SCREENSHOTS names a folder for pictures of it.
 */
import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { TestServer } from '../support/test-server.ts'
import { browserPath, openWindow, shootAll, showing } from './browser.ts'

let server: TestServer
let alice: Page
let bob: Page
const seen = { faults: [] as string[], hosts: new Set<string>() }

const message = (page: Page, text: string): Locator => page.locator('#messages li', { hasText: text })
const person = (page: Page, name: string): Locator => page.locator(`#people li[data-user^="@${name}:"]`)

const shoot = (name: string) => shootAll({ [`demo-${name}-alice`]: alice, [`demo-${name}-bob`]: bob })

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

const shown = showing({ demo: 'on' }, async () => {
  server = shown.server
  alice = await openWindow(shown.browser, seen)
  bob = await openWindow(shown.browser, seen)
  for (const page of [alice, bob]) await page.goto(`${server.url}/_selvedge/demo`)
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
    expect([...seen.hosts]).toEqual([new URL(server.url).host])
    expect(seen.faults).toEqual([])
  })
})
