/** What operators do with the event stream: tokens and groups by commands, and the page that shows what it does. */
import { expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import { serving } from '../support/serving.ts'
import { Consumer, STREAM } from './reader.ts'

const { server, http } = serving([], { 'event-stream': 'on' })

const run = (script: string, ...args: string[]) =>
  runScript(script, [...args, '--data-dir', server.folder, '--public-url', server.url])

it('a command makes a token, lists it without showing it again, and revokes it', async () => {
  const made = await run(
    'stream-token',
    '--topics',
    'events,receipts',
    '--group',
    'search',
    '--name',
    'index',
  )
  expect(made.code).toBe(0)
  const token = made.stdout.trim()
  const consumer = new Consumer(http, token)
  must(await consumer.read('receipts', 0, { group: 'search' }))
  expect((await consumer.read('presence', 0)).status).toBe(403)
  const listed = await run('stream-token', 'list')
  expect(listed.stdout).toContain('events,receipts  group search  "index"')
  expect(listed.stdout).not.toContain(token)
  const [id = ''] = listed.stdout.split(' ')
  expect((await run('stream-token', 'revoke', id)).stdout).toBe(`revoked ${id}\n`)
  expect((await consumer.read('receipts', 0)).status).toBe(401)
  expect((await run('stream-token', 'list')).stdout).toContain('revoked ')
})

it('a command lists the groups, and forgets one', async () => {
  const { stdout } = await run('stream-token', '--topics', 'events')
  const consumer = new Consumer(http, stdout.trim())
  const offsets = [{ topic: 'events', partition: 2, offset: 0 }]
  must(await consumer.ask('POST', '/groups/listed/commit', { offsets }))
  expect((await run('stream-group')).stdout).toBe('listed  members 0  lag 0  partitions committed 1\n')
  expect((await run('stream-group', 'forget', 'listed')).code).toBe(0)
  expect((await run('stream-group')).stdout).toBe('no groups\n')
})

it.each([
  ['stream-token', [], '--topics is missing'],
  ['stream-token', ['--topics', 'elsewhere'], 'refused'],
  ['stream-token', ['--topics', 'events', '--days', 'many'], 'refused'],
  ['stream-token', ['revoke'], 'name the token'],
  ['stream-token', ['revoke', 'nobody'], 'There is no such token'],
  ['stream-token', ['rewrite'], 'name what to do'],
  ['stream-group', ['forget'], 'name the group'],
  ['stream-group', ['list', 'more'], 'unexpected argument'],
])('%s %o says what is wrong', async (script, args, sentence) => {
  const { code, stderr, stdout } = await run(script, ...args)
  expect(code).not.toBe(0)
  expect(stderr).toContain(sentence)
  expect(stdout).toBe('')
})

it('a page shows it to people with a token, and asks nobody else', async () => {
  const answer = await fetch(`${server.url}${STREAM}/page`)
  expect(answer.status).toBe(200)
  const text = await answer.text()
  expect(text).toContain('<title>Event stream')
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("connect-src 'self'")
  expect(policy).not.toContain('unsafe-inline')
})
