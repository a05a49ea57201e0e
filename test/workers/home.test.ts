/** The page for people who come by. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { VERSION } from '../../src/version.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe('GET /', () => {
  let server: TestServer
  let answer: Response
  let page: string
  beforeAll(async () => {
    server = await startServer({
      'public-url': 'https://chat.example/?"><script>x</script>',
      registration: 'token',
    })
    answer = await fetch(`${server.url}/`)
    page = await answer.text()
  })
  afterAll(() => server.stop())

  it('says that the server runs, how to sign in, and where the documentation is', () => {
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
    for (const part of [
      'running',
      'test.example',
      'Element',
      'Cinny',
      'homeserver',
      'docs/operation.md',
      VERSION,
    ]) {
      expect(page).toContain(part)
    }
    expect(page).toContain('registration token')
  })

  it('shows the address to copy, and lets no setting write into the page', () => {
    expect(page).toContain('<code id="url">https://chat.example/?&quot;&gt;&lt;script&gt;x')
    expect(page.match(/<script/g)).toHaveLength(1)
  })

  it('allows only its own style and script, by their hashes', () => {
    const policy = answer.headers.get('content-security-policy') ?? ''
    const hashOf = (tag: string) => {
      const [, text = ''] = new RegExp(`<${tag}\\b[^>]*>([^]*?)</${tag}>`).exec(page) ?? []
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    }
    expect(policy.split('; ').sort()).toEqual(
      [
        "default-src 'none'",
        `style-src ${hashOf('style')}`,
        `script-src ${hashOf('script')}`,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].sort(),
    )
    expect(page).not.toMatch(/\s(style|on\w+)=/)
    expect(page).not.toMatch(/<(img|link|iframe|object|embed)\b|\ssrc=|@import|url\(/)
  })

  it('links to its neighbours from where it stands, also below a path', () => {
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
    const near = links.filter((href) => !href?.startsWith('https://'))
    expect(near).toEqual(['health', '_matrix/client/versions'])
  })

  it('answers HEAD too, and no other method', async () => {
    expect((await fetch(`${server.url}/`, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${server.url}/`, { method: 'POST' })).status).toBe(405)
  })

  it('has the version in /health', async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok', version: VERSION })
  })
})

it('has the version that the package names', () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  expect(VERSION).toBe(version)
})
