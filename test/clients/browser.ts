/** Debian's Chromium without a screen, where it is installed. SCREENSHOTS names a folder for pictures of what it shows. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where the browser is; undefined where there is none, and tests that want it are skipped. */
export const browserPath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path))

/** A server and a browser for one test file: there before its first test, gone after its last. */
export interface Showing {
  server: TestServer
  browser: Browser
}

/**
 * Starts both and then does `first`. The answer is filled in by the first test. Where there is no browser it says so, and
 * starts nothing.
 */
export function showing(options: TestServerOptions, first: () => Promise<void>): Showing {
  const shown = {} as Showing
  if (browserPath === undefined) console.log('no Chromium is installed: the tests in a browser are skipped')
  beforeAll(async () => {
    if (browserPath === undefined) return
    shown.server = await startServer(options)
    shown.browser = await launchBrowser()
    await first()
  })
  afterAll(async () => {
    await shown.browser?.close()
    await shown.server?.stop()
  })
  return shown
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

/** What the pages of a file did that a test looks at. */
export interface Seen {
  /** Errors of their scripts, and what their policy forbade. */
  faults: string[]
  /** Hosts that they asked for anything. */
  hosts: Set<string>
}

/** A window of its own: nothing in it is known to another. */
export async function openWindow(
  browser: Browser,
  { faults, hosts }: Seen,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 720, height: 820 }, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  page.on('console', (line) => line.text().includes('Content Security Policy') && faults.push(line.text()))
  return page
}

/** Pictures of pages by their names, where somebody wants them. */
export async function shootAll(pages: Record<string, Page>): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (folder === undefined) return
  for (const [name, page] of Object.entries(pages))
    await page.screenshot({ path: join(folder, `${name}.png`) })
}
