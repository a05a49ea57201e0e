/** Debian's Chromium without a screen, where it is installed. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where the browser is; undefined where there is none, and tests that want it are skipped. */
export const browserPath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path))

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

/** A window of its own: nothing in it is known to another. What breaks in it fails its test. */
export async function openWindow(browser: Browser, url: string, faults: string[]): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 720, height: 820 } })
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(url)
  return page
}
