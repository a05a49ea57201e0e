/** `npm run admin:create`, run as operators run it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { openEmbedded } from '../../local/postgres/embedded.ts'
import { verifyPassword } from '../../src/accounts/passwords.ts'
import { api } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import { startServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-admin-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const run = promisify(execFile)
const create = (...args: string[]) =>
  run(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(projectRoot, 'local/commands/admin-create.ts'),
      ...['--data-dir', folder, '--server-name', 'test.example', '--password-cost', 'low'],
      ...args,
    ],
    { env: { PATH: process.env.PATH } },
  )

async function accounts(query: string): Promise<(string | null)[][]> {
  const database = await openEmbedded(join(folder, 'postgres'))
  try {
    return (await database.use((connection) => connection.query(query))).rows
  } finally {
    await database.close()
  }
}
const admins = () => accounts('select localpart, password_hash from accounts where admin order by localpart')

it('makes an administrator, and prints the password it made up', async () => {
  const { stdout } = await create('--name', 'Root')
  expect(stdout).toContain('made the administrator @root:test.example')
  const password = /^password: (\w{24})$/m.exec(stdout)?.[1] ?? ''
  const [row] = await admins()
  expect(row?.[0]).toBe('root')
  expect(await verifyPassword(password, row?.[1] ?? undefined, { passwordCost: 'low' })).toBe(true)
})

it('makes an existing account an administrator, and leaves its password alone unless one is given', async () => {
  await accounts(
    "insert into accounts (localpart, password_hash, created_ts) values ('carl', 'kept', 1), ('dora', 'kept', 1)",
  )
  const first = await create('--name', 'carl')
  expect(first.stdout).toBe('@carl:test.example is an administrator now\n')
  await create('--name=dora', '--password=chosen')
  const rows = Object.fromEntries(await admins())
  expect(rows.carl).toBe('kept')
  expect(await verifyPassword('chosen', rows.dora ?? undefined, { passwordCost: 'low' })).toBe(true)
})

it('leaves a deactivated account as it is', async () => {
  await accounts("insert into accounts (localpart, deactivated, created_ts) values ('gone', true, 1)")
  await expect(create('--name', 'gone')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('gone was deactivated'),
  })
})

it.each([
  [[], '--name is missing'],
  [['--name'], '--name needs a value'],
  [['--name', 'two words'], '--name: '],
  [['--name', 'x', '--bogus', 'y'], 'unknown option --bogus'],
])('refuses %j with one line', async (args, line) => {
  await expect(create(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(line) })
})

it('before the first start makes what is missing, and the server then starts with its administrator', async () => {
  const fresh = mkdtempSync(join(tmpdir(), 'selvedge-admin-'))
  const args = [
    '--data-dir',
    fresh,
    '--password-cost',
    'low',
    '--name',
    'first',
    '--server-name',
    'fresh.example',
  ]
  const { code, stdout } = await runScript('admin-create', [...args, '--password-stdin'], 'chosen before\n')
  expect([code, stdout]).toEqual([0, 'made the administrator @first:fresh.example\n'])
  const server = await startServer({ 'data-dir': fresh, sql: undefined, 'server-name': 'fresh.example' })
  await api(server).login('first', { password: 'chosen before' })
  await server.stop()
  // The keys know the name.
  const again = await runScript('admin-create', [
    '--data-dir',
    fresh,
    '--password-cost',
    'low',
    '--name',
    'second',
  ])
  expect(again.stdout).toContain('made the administrator @second:fresh.example')
  rmSync(fresh, { recursive: true, force: true, maxRetries: 5 })
})

it('says how it is used, with one --', async () => {
  const { stdout } = await runScript('admin-create', ['--help'])
  expect(stdout).toMatch(/^Usage: npm run admin:create -- --name <name> \[options\]$/m)
})
