/** Erasure from everybody: nothing that a user said is left, neither in answers nor where nobody looks. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Client, must, testPassword } from '../../../support/client.ts'
import { wipeAndRebuildRoom } from '../../../support/rebuild.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const secret = 'words-that-only-the-erased-user-wrote'
const { server, http, bob } = serving(['bob'], { erasure: 'everybody' })

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const archived = () => server.pg('select event_id from events where pdu like $1', [`%${secret}%`])
const indexed = (sender: string) => server.pg('select event_id from event_search where sender = $1', [sender])

/** The tables in which the secret stands somewhere. */
async function inPostgres(): Promise<string[]> {
  const tables = await server.pg(
    'select table_name from information_schema.tables where table_schema = current_schema()',
  )
  const found: string[] = []
  for (const { table_name: name } of tables) {
    const rows = await server.pg(`select 1 from "${name}" as t where t::text like $1 limit 1`, [
      `%${secret}%`,
    ])
    if (rows.length > 0) found.push(String(name))
  }
  return found
}

const erasing = (roomId: string) =>
  server.sql('ROOM', objectName.room(server.serverName, roomId), 'SELECT * FROM erasing')

async function erase(user: Client): Promise<void> {
  const identifier = { type: 'm.id.user', user: user.userId }
  const auth = { type: 'm.login.password', identifier, password: testPassword }
  must(await user.post('/account/deactivate', { erase: true, auth }))
}

it('leaves no text in files, archive, search or answers', async () => {
  const gone = await http.register('gone')
  must(await gone.put(`/profile/${gone.userId}/displayname`, { displayname: `${secret} name` }))
  const roomId = await bob.createRoom({ preset: 'public_chat', invite: [gone.userId] })
  must(await gone.join(roomId))
  const since = must(await bob.sync()).body.next_batch
  const said = await gone.say(roomId, secret)
  const kept = await bob.say(roomId, 'a-text-that-stays')
  const delayed = at(roomId, '/send/m.room.message/d1?org.matrix.msc4140.delay=600000')
  must(await gone.put(delayed, { msgtype: 'm.text', body: `${secret} later` }))
  const redaction = at(roomId, `/redact/${encodeURIComponent(await gone.say(roomId, 'oops'))}/r1`)
  must(await gone.put(redaction, { reason: `${secret} reason` }))
  const report = at(roomId, `/report/${encodeURIComponent(kept)}`)
  must(await gone.post(report, { reason: `${secret} report` }))
  must(
    await gone.post(`/user/${gone.userId}/filter`, { room: { timeline: { types: [`${secret}-filter`] } } }),
  )
  must(await gone.put(`/user/${gone.userId}/account_data/org.example`, { note: `${secret} data` }))
  must(await gone.put(at(roomId, `/send/m.room.message/${secret}-txn`), { msgtype: 'm.text', body: 'x' }))
  must(await gone.put(`/user/${gone.userId}/rooms/${encodeURIComponent(roomId)}/tags/u.${secret}`, {}))
  must(await bob.sync({ since }))
  await expect.poll(() => indexed(gone.userId), { timeout: 10_000 }).not.toEqual([])
  const waiting = () =>
    server.pg('select 1 from delayed_events where room_id = $1 and body is not null', [roomId])
  await expect.poll(waiting, { timeout: 10_000 }).toHaveLength(1)
  await erase(gone)
  await expect.poll(archived, { timeout: 20_000 }).toEqual([])
  await expect.poll(() => erasing(roomId), { timeout: 20_000 }).toEqual([])
  expect(await indexed(gone.userId)).toEqual([])
  const search = { search_categories: { room_events: { search_term: secret } } }
  expect(must(await bob.post('/search', search)).body.search_categories.room_events.results).toEqual([])
  await expect.poll(inPostgres, { timeout: 10_000 }).toEqual([])
  await expect.poll(waiting, { timeout: 10_000 }).toEqual([])
  const paths = ['/messages?dir=b&limit=50', '/state', `/context/${encodeURIComponent(said)}?limit=50`]
  for (const path of paths) {
    const text = JSON.stringify(must(await bob.get(at(roomId, path))).body)
    expect(text).not.toContain(secret)
    expect(text).toContain(gone.userId)
  }
  for (const query of [{ since }, {}]) {
    expect(JSON.stringify(must(await bob.sync(query)).body)).not.toContain(secret)
  }
  await server.restart()
  for (const user of [bob, gone]) await user.sync()
  await server.evict('ROOM', objectName.room(server.serverName, roomId))
  for (const userId of [bob.userId, gone.userId])
    await server.evict('USER', objectName.user(server.serverName, userId))
  const { folder } = server
  const files = globSync('**/*.sqlite*', { cwd: folder }).filter((path) =>
    readFileSync(join(folder, path)).includes(secret),
  )
  expect(files).toEqual([])
  expect(must(await bob.get(at(roomId, `/event/${encodeURIComponent(kept)}`))).body.content.body).toBe(
    'a-text-that-stays',
  )
})

it('goes on if the server died in the middle', async () => {
  const gone = await http.register('gone2')
  const roomId = await bob.createRoom({ preset: 'public_chat' })
  must(await gone.join(roomId))
  for (let i = 0; i < 12; i += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => gone.say(roomId, `${secret} ${i * 50 + n}`)))
  }
  await erase(gone)
  await expect.poll(() => erasing(roomId), { timeout: 20_000, interval: 1 }).toHaveLength(1)
  await server.restart()
  await expect.poll(() => erasing(roomId), { timeout: 30_000 }).toEqual([])
  await expect.poll(archived, { timeout: 30_000 }).toEqual([])
  const shown = must(await bob.get(at(roomId, '/messages?dir=b&limit=1000'))).body
  expect(JSON.stringify(shown)).not.toContain(secret)
})

it('hides what was said, even if the room was rebuilt before all was pruned', async () => {
  const gone = await http.register('gone3')
  const roomId = await bob.createRoom({ preset: 'public_chat' })
  must(await gone.join(roomId))
  const eventId = await gone.say(roomId, secret)
  await expect.poll(archived, { timeout: 10_000 }).toEqual([{ event_id: eventId }])
  const [said] = await server.pg('select pdu from events where event_id = $1', [eventId])
  await erase(gone)
  const query = 'select 1 from room_memberships where room_id = $1 and erased_pos is not null'
  await expect.poll(() => server.pg(query, [roomId]), { timeout: 5_000 }).toHaveLength(1)
  await expect.poll(archived, { timeout: 10_000 }).toEqual([])
  await expect.poll(() => erasing(roomId), { timeout: 10_000 }).toEqual([])
  // As the archive was when it knew of the erasure, and of nothing that was pruned.
  await server.pg('update events set pdu = $2, redacted = false where event_id = $1', [eventId, said?.pdu])
  await wipeAndRebuildRoom(server, roomId, bob)
  await expect.poll(archived, { timeout: 10_000 }).toEqual([])
  const shown = must(await bob.get(at(roomId, '/messages?dir=b&limit=1000'))).body
  expect(JSON.stringify(shown)).not.toContain(secret)
})
