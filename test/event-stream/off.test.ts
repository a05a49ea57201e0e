/** Where the event stream is off there is none: nobody is told, nothing is written for it, and no path answers. */
import { expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { settled } from '../support/faults.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { operatorToken, STREAM } from './reader.ts'

const { server, http, alice } = serving(['alice'])

it('no partition is called, and none is made', async () => {
  const roomId = await alice.createRoom()
  await alice.say(roomId, 'unheard')
  must(await alice.sync())
  must(await alice.put(`/presence/${encodeURIComponent(alice.userId)}/status`, { presence: 'online' }))
  await settled(http)
  const calls = must(await http.request('GET', '/_selvedge/test/calls')).body as Record<string, number>
  expect(Object.keys(calls).some((name) => name.startsWith('partition.'))).toBe(false)
  const [cursors] = await server.sql(
    'ROOM',
    objectName.room(server.serverName, roomId),
    "SELECT value FROM meta WHERE key = 'cursors'",
  )
  expect(JSON.parse(String(cursors?.value))).not.toHaveProperty('streamed')
  const outbox = await server.sql(
    'USER',
    objectName.user(server.serverName, alice.userId),
    'SELECT seq FROM event_outbox',
  )
  expect(outbox).toEqual([])
})

it('its paths are unknown', async () => {
  const token = await operatorToken(server)
  for (const path of [STREAM, `${STREAM}/topics/events/0`, '/_selvedge/admin/stream/tokens']) {
    const { status, body } = await http.request('GET', path, undefined, { token })
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  }
})
