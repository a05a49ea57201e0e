/** The file of `--token-issuers`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { messageOf } from '../../local/start-error.ts'
import { tokenIssuersOf } from '../../local/token-issuers.ts'
import { startServer } from '../support/server.ts'
import { issuer, SECRET } from '../support/tokens.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-issuers-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(text: string): string {
  const file = join(folder, 'issuers.json')
  writeFileSync(file, text)
  return file
}

function refusalOf(file: string): string {
  try {
    tokenIssuersOf(file)
  } catch (error) {
    return messageOf(error)
  }
  return ''
}

it('is what the server takes tokens by', async () => {
  const server = await startServer({
    'token-issuers': fileOf(JSON.stringify([issuer()])),
    staysAwake: 'asked once',
  })
  try {
    const { flows } = (await (await fetch(`${server.url}/_matrix/client/v3/login`)).json()) as {
      flows: unknown
    }
    expect(flows).toContainEqual({ type: 'org.matrix.login.jwt' })
  } finally {
    await server.stop()
  }
})

it.each([
  ['is not there', () => join(folder, 'none.json'), 'cannot be read'],
  ['is not JSON', () => fileOf(`[{ "secret": "${SECRET}"`), 'is not JSON'],
  ['is no list', () => fileOf('{}'), 'expected array'],
  [
    'has a wrong part',
    () => fileOf(JSON.stringify([issuer({ session_seconds: 'long' })])),
    '0: session_seconds',
  ],
])('that %s is refused in one line without its secrets', (_, file, reason) => {
  const refusal = refusalOf(file())
  expect(refusal).toContain('--token-issuers')
  expect(refusal).toContain(reason)
  expect(refusal).not.toContain(SECRET)
})
