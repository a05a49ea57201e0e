/** A client's connection of sliding sync: it keeps the `pos`, and puts together what the answers tell. */
import { type Answer, type Api, type Body, type Client, must } from '../../../../support/client.ts'

export const UNSTABLE = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
export const ACCEPTED = '/_matrix/client/v4/sync'

/** What Element X asks of each room. */
export const REQUIRED = [
  ['m.room.name', ''],
  ['m.room.encryption', ''],
  ['m.room.member', '$LAZY'],
  ['m.room.member', '$ME'],
  ['m.room.topic', ''],
  ['m.room.avatar', ''],
  ['m.room.canonical_alias', ''],
  ['m.room.power_levels', ''],
  ['org.matrix.msc3401.call.member', '*'],
  ['m.room.join_rules', ''],
  ['m.room.tombstone', ''],
  ['m.room.create', ''],
  ['m.room.history_visibility', ''],
  ['io.element.functional_members', ''],
  ['m.space.parent', '*'],
  ['m.space.child', '*'],
]

/** A list of all rooms, as Element X begins with. */
export const allRooms = (to = 19, more: Body = {}): Body => ({
  lists: { all: { ranges: [[0, to]], timeline_limit: 1, required_state: REQUIRED, ...more } },
})

export interface Connection {
  /** Of the last answer that was taken. */
  pos: string | undefined
  /** Asks, and takes the answer. */
  ask(body?: Body, query?: Body): Promise<Body>
  /** Asks, and loses the answer. */
  lose(body?: Body, query?: Body): Promise<Answer>
}

/** A connection of a client. */
export function connection(http: Api, client: Client, conn_id = 'main'): Connection {
  const lose = (body: Body = {}, query: Body = {}) =>
    http.request(
      'POST',
      UNSTABLE,
      { conn_id, ...body },
      { token: client.token, query: { pos: self.pos, ...query } },
    )
  const self: Connection = {
    pos: undefined,
    lose,
    async ask(body, query) {
      const answer = must(await lose(body, query)).body
      self.pos = answer.pos
      return answer
    },
  }
  return self
}
