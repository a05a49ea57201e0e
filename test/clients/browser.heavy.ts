/**
 * Two windows of a real browser, with matrix-js-sdk and its Rust crypto: two people register, make an encrypted room,
 * and do in it what people do. SCREENSHOTS names a folder for pictures of it.
 */
import type { Locator, Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { testPassword } from '../support/client.ts'
import type { TestServer } from '../support/test-server.ts'
import { browserPath, openWindow, shootAll, showing } from './browser.ts'
import { type PageServer, servePage } from './page-server.ts'

let server: TestServer
let pages: PageServer
let alice: Page
let bob: Page
const seen = { faults: [] as string[], hosts: new Set<string>() }

/** A picture of 2 x 2 points: what is sent is looked at again by its size. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYEBRDAwAAAPCAIBpWQ9cgAAAABJRU5ErkJggg==',
  'base64',
)

const message = (page: Page, text: string): Locator => page.locator('#timeline li', { hasText: text })

const shoot = (name: string) => shootAll({ [`${name}-alice`]: alice, [`${name}-bob`]: bob })

async function register(page: Page, username: string): Promise<void> {
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', testPassword)
  await page.click('[name=register]')
  await page.locator('#me', { hasText: `@${username}:${server.serverName}` }).waitFor()
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('[name=text]', text)
  await page.press('[name=text]', 'Enter')
}

/** The id that the server gave to a message, once the sender's own copy has come back. */
async function idOf(page: Page, text: string): Promise<string> {
  const sent = page.locator('#timeline li[data-event-id^="$"]', { hasText: text })
  return (await sent.getAttribute('data-event-id')) ?? ''
}

const shown = showing({}, async () => {
  server = shown.server
  pages = await servePage()
  alice = await openWindow(shown.browser, seen)
  bob = await openWindow(shown.browser, seen)
  for (const page of [alice, bob])
    await page.goto(`${pages.url}/?homeserver=${encodeURIComponent(server.url)}`)
})
afterAll(() => pages?.close())

describe.skipIf(browserPath === undefined)('two people in two windows', () => {
  it('register, and make an encrypted room', async () => {
    await Promise.all([register(alice, 'alice'), register(bob, 'bob')])
    await alice.fill('[name=invitee]', `@bob:${server.serverName}`)
    await alice.click('#invite button')
    for (const page of [alice, bob]) {
      await page.locator('#crypto', { hasText: 'encrypted' }).waitFor()
      await page.locator('#room', { hasText: 'Behind the curtain' }).waitFor()
    }
    await message(alice, `@bob:${server.serverName}: join`).waitFor()
  })

  it('read what the other says, and the server cannot', async () => {
    await say(alice, 'a secret of the loom')
    await message(bob, 'a secret of the loom').waitFor()
    await say(bob, 'well hidden')
    await message(alice, 'well hidden').waitFor()
    const stored = await server.pg("SELECT 1 FROM events WHERE pdu::text LIKE '%secret of the loom%'")
    expect(stored).toEqual([])
    await shoot('talk')
  })

  it('see the other type until the message comes', async () => {
    await alice.fill('[name=text]', 'well k')
    await bob.locator('#typing', { hasText: 'is typing' }).waitFor()
    await say(alice, 'well kept indeed')
    await message(bob, 'well kept indeed').waitFor()
    await expect.poll(() => bob.locator('#typing').textContent()).toBe('')
  })

  it('see that the other has read', async () => {
    await message(alice, 'well kept indeed').locator('.readers', { hasText: '@bob' }).waitFor()
  })

  it('see a picture, decrypted', async () => {
    await alice.setInputFiles('[name=picture]', { name: 'cloth.png', mimeType: 'image/png', buffer: PICTURE })
    await alice.click('#say button')
    const picture = bob.locator('#timeline img[alt="cloth.png"]')
    await picture.waitFor()
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(2)
  })

  it('react', async () => {
    const id = await idOf(bob, 'a secret of the loom')
    await bob.evaluate((eventId) => window.hands!.react(eventId, '🧵'), id)
    await message(alice, 'a secret of the loom').locator('.reactions', { hasText: '🧵 1' }).waitFor()
  })

  it('edit', async () => {
    const id = await idOf(alice, 'a secret of the loom')
    await alice.evaluate((eventId) => window.hands!.edit(eventId, 'a secret of the weaver'), id)
    await message(bob, 'a secret of the weaver').locator('.edited').waitFor()
    expect(await message(bob, 'a secret of the loom').count()).toBe(0)
    await shoot('edited')
  })

  it('redact a message', async () => {
    const id = await idOf(bob, 'well hidden')
    await bob.evaluate((eventId) => window.hands!.redact(eventId), id)
    await alice.locator(`#timeline li.redacted[data-event-id="${id}"]`).waitFor()
    await shoot('redacted')
  })

  it('saw no undecryptable message and no fault', async () => {
    for (const page of [alice, bob]) expect(await page.locator('.undecryptable').count()).toBe(0)
    expect(seen.faults).toEqual([])
  })
})
