/** The demo page, as far as it needs no browser; `test/clients/demo.heavy.ts` has the rest. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { startServer } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const { server, http } = serving()

it('is not there unless the settings want it', async () => {
  const { status, body } = await http.request('GET', '/_selvedge/demo')
  expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  expect(server.url).not.toBe('')
})

it('holds its style and its script itself, and lets the browser run and fetch nothing else', async () => {
  const shown = await startServer({ demo: 'on' })
  try {
    const answer = await fetch(`${shown.url}/_selvedge/demo`)
    expect(answer.status).toBe(200)
    const policy = answer.headers.get('content-security-policy')!
    const page = await answer.text()
    for (const tag of ['style', 'script']) {
      const text = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(page)![1]!
      expect(policy).toContain(`'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    }
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(page).not.toMatch(/(src|href)="/)
  } finally {
    await shown.stop()
  }
})
