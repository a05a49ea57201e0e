/** What a user does with a server from the first to the last: each step goes on with what the one before has made. */
import { performance } from 'node:perf_hooks'
import type { Check, Visit } from '../check.ts'
import { type Ask, must } from '../http.ts'
import { expect, Failed, pause, Skipped } from '../outcome.ts'
import { picture } from '../picture.ts'
import { madeBefore, operatorToken, path, visitorOf } from '../visit.ts'
import { account, logout } from './account.ts'

const CLIENT = '/_matrix/client/v3'

/** How long the archive may take to have a message, and how often it is asked. */
const ARCHIVED_MS = 25_000
const LOOK_MS = 500
/** A message is sent so long after the poll has begun. */
const HEAD_START_MS = 500

interface Timeline {
  next_batch?: unknown
  rooms?: { join?: Record<string, { timeline?: { events?: { event_id?: unknown }[] } }> }
}

export const send = async (visit: Visit, ask: Ask, text: string, txnId: string): Promise<string> => {
  const { first } = visitorOf(visit)
  const roomId = madeBefore(visit, 'roomId')
  const answer = await ask('PUT', path`/_matrix/client/v3/rooms/${roomId}/send/m.room.message/${txnId}`, {
    token: first.token,
    json: { msgtype: 'm.text', body: text },
  })
  const { event_id: eventId } = must(answer, 'the message')
  if (typeof eventId !== 'string') throw new Failed('the message was answered without event_id')
  return eventId
}

const has = (body: Timeline, roomId: string, eventId: string): boolean =>
  body.rooms?.join?.[roomId]?.timeline?.events?.some((event) => event.event_id === eventId) === true

const talk: Check[] = [
  {
    group: 'journey',
    name: 'a room is made',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const json = { preset: 'private_chat', name: `Check ${visit.mark}` }
      const { room_id: roomId } = must(
        await ask('POST', `${CLIENT}/createRoom`, { token: first.token, json }),
        'the room',
      )
      if (typeof roomId !== 'string') throw new Failed('the room was answered without room_id')
      visit.made.roomId = roomId
      visit.cleanUps.push({
        name: 'the room is left and forgotten',
        async run(_, askNow) {
          for (const step of ['leave', 'forget']) {
            const address = `${path`/_matrix/client/v3/rooms/${roomId}`}/${step}`
            must(await askNow('POST', address, { token: first.token, json: {} }), `the ${step}`)
          }
        },
      })
    },
  },
  {
    group: 'journey',
    name: 'a message is sent, once however often it is sent',
    async run(visit, ask) {
      visit.made.word = `checked${visit.mark.replaceAll('-', '')}`
      const once = await send(visit, ask, visit.made.word, 'once')
      const again = await send(visit, ask, visit.made.word, 'once')
      expect(once === again, 'the same message sent again became another one')
      visit.made.eventId = once
    },
  },
  {
    group: 'journey',
    name: 'a sync brings the message to the other device',
    async run(visit, ask) {
      const { second } = visitorOf(visit)
      const [roomId, eventId] = [madeBefore(visit, 'roomId'), madeBefore(visit, 'eventId')]
      if (second === undefined) throw new Skipped('there is no second device')
      const body = must(
        await ask('GET', `${CLIENT}/sync`, { token: second.token, query: { timeout: 0 } }),
        'the sync',
      )
      expect(has(body, roomId, eventId), 'the first sync lacks the message')
      visit.made.since = String(body.next_batch)
    },
  },
  {
    group: 'journey',
    name: 'a long poll waits, and ends with the next message',
    limitMs: 60_000,
    run: longPoll,
  },
]

async function longPoll(visit: Visit, ask: Ask) {
  const { second } = visitorOf(visit)
  const [roomId, since] = [madeBefore(visit, 'roomId'), madeBefore(visit, 'since')]
  if (second === undefined) throw new Skipped('there is no second device')
  const poll = async (from: string) => {
    const query = { since: from, timeout: 30_000 }
    const body = must(
      await ask('GET', `${CLIENT}/sync`, { token: second.token, query }),
      'the poll',
    ) as Timeline
    return { body, at: performance.now() }
  }
  // The second device's own arrival may still be news: the poll that counts begins where there is none.
  const waiting = poll(since)
  await pause(HEAD_START_MS)
  const sentAt = performance.now()
  const eventId = await send(visit, ask, `${visit.made.word} again`, 'polled')
  let { body, at } = await waiting
  for (let tries = 0; tries < 5 && !has(body, roomId, eventId); tries += 1) {
    ;({ body, at } = await poll(String(body.next_batch)))
  }
  expect(has(body, roomId, eventId), 'the polls ended without the message')
  return { note: `${Math.round(at - sentAt)} ms from sending to hearing` }
}

const media: Check[] = [
  {
    group: 'journey',
    name: 'a picture is uploaded',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const answer = await ask('POST', '/_matrix/media/v3/upload', {
        token: first.token,
        body: picture(visit.mark),
        headers: { 'content-type': 'image/png' },
        query: { filename: 'check.png' },
      })
      const [, place] = /^mxc:\/\/([^/]+\/[^/]+)$/.exec(String(must(answer, 'the upload').content_uri)) ?? []
      if (place === undefined) throw new Failed('the upload was answered without content_uri')
      visit.made.media = place
      visit.cleanUps.push({
        name: 'the picture is erased',
        async run(_, askNow) {
          const token = await operatorToken(visit)
          must(
            await askNow('DELETE', `/_selvedge/admin/media/${place.split('/')[1]}`, { token }),
            'the erasure',
          )
        },
      })
    },
  },
  {
    group: 'journey',
    name: 'a thumbnail of it is made',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const answer = await ask('GET', `/_matrix/client/v1/media/thumbnail/${madeBefore(visit, 'media')}`, {
        token: first.token,
        query: { width: 32, height: 32, method: 'crop' },
      })
      expect(answer.status === 200, `the thumbnail was answered ${answer.status}`)
      expect(/^image\//.test(answer.contentType), `the thumbnail came as ${answer.contentType}`)
      expect(answer.bytes.byteLength > 0, 'the thumbnail is empty')
    },
  },
  {
    group: 'journey',
    name: 'the picture is downloaded as it was',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const address = `/_matrix/client/v1/media/download/${madeBefore(visit, 'media')}`
      const { status, bytes } = await ask('GET', address, { token: first.token })
      expect(status === 200, `the download was answered ${status}`)
      expect(Buffer.compare(bytes, picture(visit.mark)) === 0, 'the download is not what was uploaded')
    },
  },
]

const behind: Check[] = [
  {
    group: 'journey',
    name: 'the fan-out is called, by which the Worker reaches itself',
    async run(visit, ask) {
      const token = await operatorToken(visit)
      const address = path`/_selvedge/admin/fan-out/${visitorOf(visit).first.userId}`
      const { reached } = must(await ask('POST', address, { token }), 'the fan-out')
      expect(reached === true, 'the fan-out did not reach the user')
    },
  },
  {
    group: 'journey',
    name: 'Redis is written and read: a proof of identity for another service',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const address = path`/_matrix/client/v3/user/${first.userId}/openid/request_token`
      const proof = must(await ask('POST', address, { token: first.token, json: {} }), 'the proof')
      const query = { access_token: String(proof.access_token) }
      const { sub } = must(
        await ask('GET', '/_matrix/federation/v1/openid/userinfo', { query }),
        'what it proves',
      )
      expect(sub === first.userId, 'the proof is of another user')
    },
  },
  {
    group: 'journey',
    name: 'the archive has the message: a search finds it',
    async run(visit, ask) {
      const { first } = visitorOf(visit)
      const [eventId, word] = [madeBefore(visit, 'eventId'), madeBefore(visit, 'word')]
      const json = { search_categories: { room_events: { search_term: word, keys: ['content.body'] } } }
      for (const end = performance.now() + ARCHIVED_MS; performance.now() < end; await pause(LOOK_MS)) {
        const body = must(await ask('POST', `${CLIENT}/search`, { token: first.token, json }), 'the search')
        if (JSON.stringify(body).includes(eventId)) return
      }
      throw new Failed(`no search has found the message for ${ARCHIVED_MS / 1000} s`)
    },
  },
]

export const journey: Check[] = [...account, ...talk, ...media, ...behind, logout]
