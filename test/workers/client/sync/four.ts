/** Four people in rooms together, and what their syncs bring of these. */
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

export const room = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}${rest}`

export const membersOf = (events: Body[]): string[] =>
  events
    .filter(({ type }) => type === 'm.room.member')
    .map(({ state_key }) => state_key)
    .sort()

export const sync = async (client: Client, query: object = {}): Promise<Body> =>
  must(await client.sync(query as Record<string, string>)).body

export const joinedRoom = async (client: Client, id: string, query: object = {}): Promise<Body> =>
  (await sync(client, query)).rooms?.join?.[id]

/** The four, and rooms of theirs. */
export function fourPeople() {
  const { server, http, alice, bob, carol, dora } = serving(['alice', 'bob', 'carol', 'dora'], {
    staysAwake: 'which members a device was told of lives in memory',
  })

  /** A room with all four, whose timeline's end is Bob's alone. */
  async function four(body: Body = {}): Promise<string> {
    const id = await alice.createRoom({ preset: 'public_chat', ...body })
    for (const other of [bob, carol, dora]) must(await other.join(id))
    for (let n = 0; n < 3; n += 1) await bob.say(id, `${n}`)
    return id
  }

  return { server, http, alice, bob, carol, dora, four }
}
