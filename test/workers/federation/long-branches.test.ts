/** Branches of which more is missing than is asked for event by event. */
import { expect, it } from 'vitest'
import { type Body, must } from '../../support/client.ts'
import { eventually } from '../../support/eventually.ts'
import { tellHistory } from '../../support/federation/history.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, http } = serving(['alice'], federating)
const V1 = '/_matrix/federation/v1'

it('a branch of changes that each cite the one before is taken by the state behind it', async () => {
  const room = new RemoteRoom(other, '12').serve()
  tellHistory(room)
  const id = encodeURIComponent(room.roomId)
  must(await alice.post(`/join/${id}?via=${other.name}`))
  const branch = Array.from({ length: 130 }, (_, n) =>
    room.send({
      type: 'm.room.member',
      state_key: room.creator,
      content: { membership: 'join', displayname: `Rita ${n}` },
    }),
  )
  const last = branch.at(-1)!
  other.on('POST', `${V1}/get_missing_events/${id}`, ({ body }) => {
    const at = branch.findIndex(({ eventId }) => eventId === body.latest_events[0])
    return { body: { events: branch.slice(Math.max(0, at - 10), at).map(({ pdu }) => pdu) } }
  })
  const content = { origin: other.name, origin_server_ts: Date.now(), pdus: [last.pdu] }
  const { body } = must(await other.ask(http, 'PUT', `${V1}/send/t1`, content as unknown as Body))
  expect(body.pdus).toEqual({ [last.eventId]: {} })
  const path = `/rooms/${id}/state/m.room.member/${encodeURIComponent(room.creator)}`
  // A slow machine answers the transaction before the state has come, and goes on.
  await eventually(
    () => alice.get(path),
    ({ body }) => body.displayname === 'Rita 129',
    20_000,
  )
  const asked = (start: string) =>
    other.received.filter(({ uri }) => uri.startsWith(`${V1}/${start}/`)).length
  expect(asked('get_missing_events')).toBeLessThanOrEqual(20)
  expect(asked('state_ids')).toBeGreaterThan(0)
})
