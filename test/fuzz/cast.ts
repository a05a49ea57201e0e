/** Who plays in the fuzz: a victim with things of her own, and an attacker who knows all her ids. */
import { type Api, api, type Body, type Client, must } from '../support/client.ts'
import type { TestServer } from '../support/server.ts'

export interface Cast {
  http: Api
  victim: Client
  attacker: Client
  /** The victim's own room, which the attacker is not in. */
  privateRoom: string
  privateEvent: string
  /** A room of the victim's in which the attacker is a plain member. */
  sharedRoom: string
  sharedEvent: string
  /** A room of the attacker's own. */
  ownRoom: string
  ownEvent: string
  victimAlias: string
  victimFilter: string
  /** A token of the victim's sync. */
  victimToken: string
}

export async function gather(server: TestServer): Promise<Cast> {
  const http = api(server)
  const [victim, attacker] = await Promise.all([http.register('victim'), http.register('attacker')])
  const alias = { room_alias_name: 'hers', name: 'Hers', topic: 'Nobody else' }
  const privateRoom = await victim.createRoom({ preset: 'private_chat', ...alias })
  const sharedRoom = await victim.createRoom({ preset: 'public_chat', name: 'Shared' })
  must(await attacker.join(sharedRoom))
  const ownRoom = await attacker.createRoom({ preset: 'private_chat', name: 'His' })
  const own = (path: string) => `/user/${encodeURIComponent(victim.userId)}${path}`
  const inRoom = `/rooms/${encodeURIComponent(privateRoom)}`
  must(await victim.put(`/profile/${encodeURIComponent(victim.userId)}/displayname`, { displayname: 'Vera' }))
  must(await victim.put(own('/account_data/org.example.note'), { text: 'mine' }))
  must(await victim.put(own(`${inRoom}/account_data/org.example.note`), { text: 'mine here' }))
  const filter = must(await victim.post(own('/filter'), { room: { timeline: { limit: 5 } } }))
  return {
    http,
    victim,
    attacker,
    privateRoom,
    privateEvent: await victim.say(privateRoom, 'a secret'),
    sharedRoom,
    sharedEvent: await victim.say(sharedRoom, 'hello'),
    ownRoom,
    ownEvent: await attacker.say(ownRoom, 'to myself'),
    victimAlias: '#hers:test.example',
    victimFilter: filter.body.filter_id,
    victimToken: must(await victim.sync({ set_presence: 'offline' })).body.next_batch,
  }
}

/** What is the victim's alone, and what only she may change in the room that both are in. */
export async function snapshot({
  victim,
  attacker,
  privateRoom,
  sharedRoom,
  victimAlias,
}: Cast): Promise<Body> {
  const get = async (path: string) => must(await victim.get(path)).body
  const sync = must(await victim.sync({ set_presence: 'offline' })).body
  const { state, timeline, account_data } = sync.rooms.join[privateRoom]
  const shared: Body[] = await get(`/rooms/${encodeURIComponent(sharedRoom)}/state`)
  return {
    joined: Object.keys(sync.rooms.join).sort(),
    room: [...(state?.events ?? []), ...timeline.events].map(withoutAge),
    roomAccountData: account_data.events,
    accountData: sync.account_data.events,
    shared: shared.filter(({ state_key }) => state_key !== attacker.userId).map(withoutAge),
    devices: (await get('/devices')).devices.map((device: Body) => device.device_id),
    profile: await get(`/profile/${encodeURIComponent(victim.userId)}`),
    alias: await get(`/directory/room/${encodeURIComponent(victimAlias)}`),
  }
}

function withoutAge({ unsigned: _, ...event }: Body): Body {
  return event
}
