/** Events that relate to others, sent into a room of two, and what is shown of them. */
import { beforeAll } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

/** Alice and Bob in `here.roomId`, where everything happens that names no other room. */
export function relating() {
  const { http, alice, bob } = serving(['alice', 'bob'])
  const here = { roomId: '' }
  beforeAll(async () => {
    here.roomId = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(here.roomId))
  })

  const room = (rest: string, id = here.roomId) => `/rooms/${encodeURIComponent(id)}${rest}`
  const v1 = (rest: string, id = here.roomId) => `/_matrix/client/v1${room(rest, id)}`
  const ids = (chunk: { event_id: string }[]) => chunk.map((event) => event.event_id)
  const at = (eventId: string) => encodeURIComponent(eventId)

  let transactions = 0
  const send = (client: Client, content: Body, type = 'm.room.message', id = here.roomId) => {
    transactions += 1
    return client.put(room(`/send/${type}/r${transactions}`, id), content)
  }
  const relate = async (
    client: Client,
    relType: string,
    parent: string,
    content: Body = {},
    type = 'm.room.message',
    id = here.roomId,
  ): Promise<string> => {
    const relation = { 'm.relates_to': { rel_type: relType, event_id: parent, ...content.relation } }
    const { relation: _, ...rest } = content
    const body = type === 'm.room.message' ? { msgtype: 'm.text', body: 'child', ...rest } : rest
    return must(await send(client, { ...body, ...relation }, type, id)).body.event_id
  }
  const react = (client: Client, parent: string, key: string, id = here.roomId) =>
    relate(client, 'm.annotation', parent, { relation: { key } }, 'm.reaction', id)
  const edit = (client: Client, parent: string, text: string, id = here.roomId) =>
    relate(
      client,
      'm.replace',
      parent,
      { body: `* ${text}`, 'm.new_content': { msgtype: 'm.text', body: text } },
      'm.room.message',
      id,
    )
  const event = async (client: Client, eventId: string, id = here.roomId): Promise<Body> =>
    must(await client.get(room(`/event/${at(eventId)}`, id))).body
  const bundle = async (client: Client, eventId: string, id = here.roomId): Promise<Body> =>
    (await event(client, eventId, id)).unsigned['m.relations']
  const redact = (client: Client, eventId: string, id = here.roomId) => {
    transactions += 1
    return client.put(room(`/redact/${at(eventId)}/x${transactions}`, id), {})
  }

  return { http, alice, bob, here, room, v1, ids, at, send, relate, react, edit, event, bundle, redact }
}
