/** More messages of another server than it sends: what is missing is fetched, and what was sent is kept. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../support/client.ts'
import { guest } from '../../support/federation/guest.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, http } = serving(['alice'], {
  ...federating,
  unlikeArchive: { servers: 'a rebuild of rooms with gaps is refused' },
})
const V1 = '/_matrix/federation/v1'
const MISSED = 400

/** A room in which the remote's user has said so much, of which this server has nothing. The remote answers for all of it. */
async function missed() {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
  const path = `/rooms/${encodeURIComponent(roomId)}`
  const rob = guest('rob', { http, host: alice, server: other, roomId, version: '11' })
  await rob.join()
  const newest = must(await alice.get(`${path}/messages`, { dir: 'b', limit: 1 })).body.chunk[0].event_id
  const texts = Array.from({ length: MISSED }, (_, index) => `text ${index}`)
  const events = await rob.chain(texts, newest)
  const upTo = (eventId: string) =>
    events.slice(0, events.findIndex((event) => event.eventId === eventId) + 1)
  const pdusOf = (some: typeof events) => some.map(({ pdu }) => pdu)
  other.on('POST', `${V1}/get_missing_events/`, ({ body }) => ({
    body: { events: pdusOf(upTo(body.latest_events[0]).slice(0, -1).slice(-body.limit)) } as Body,
  }))
  const { body: state } = must(await alice.get(`${path}/state`))
  other.on('GET', `${V1}/state_ids/`, () => ({
    body: { pdu_ids: state.map((event: Body) => event.event_id), auth_chain_ids: [] },
  }))
  other.on('GET', `${V1}/backfill/`, ({ uri }) => {
    const query = new URL(uri, 'https://remote').searchParams
    const pdus = pdusOf(
      upTo(query.get('v')!)
        .slice(-Number(query.get('limit')))
        .reverse(),
    )
    return { body: { origin: other.name, origin_server_ts: Date.now(), pdus } as Body }
  })
  const read = async (limit: number) => {
    const { chunk } = must(await alice.get(`${path}/messages`, { dir: 'b', limit })).body
    return chunk.map(({ content }: Body) => content.body).filter((text: unknown) => typeof text === 'string')
  }
  return { rob, texts, newest: events.at(-1)!, path, read }
}

describe('of 400 missed messages', () => {
  it('the one that was sent is shown, after those that are fetched for it', async () => {
    const { rob, newest, texts, read } = await missed()
    expect(must(await rob.send([newest])).body.pdus).toEqual({ [newest.eventId]: {} })
    await expect.poll(() => read(50), { timeout: 20_000 }).toEqual(texts.slice(-50).reverse())
  })

  it('all are read, page by page', async () => {
    const { rob, newest, texts, path, read } = await missed()
    must(await rob.send([newest]))
    await expect.poll(() => read(1), { timeout: 20_000 }).toEqual([texts.at(-1)])
    const seen: string[] = []
    let from: string | undefined
    do {
      const { chunk, end } = must(await alice.get(`${path}/messages`, { dir: 'b', limit: 100, from })).body
      seen.push(
        ...chunk.map(({ content }: Body) => content.body).filter((text: unknown) => typeof text === 'string'),
      )
      from = end
    } while (from !== undefined)
    expect(seen).toEqual([...texts].reverse())
  })
})
