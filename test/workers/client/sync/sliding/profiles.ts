/** What tests of profiles in sliding sync ask, change and read. */
import { PROFILES } from '../../../../../src/objects/user/sliding.ts'
import { type Api, type Body, type Client, must } from '../../../../support/client.ts'
import { type Connection, connection } from './connection.ts'

export const STATUS = 'org.example.status'

/** Asks for profiles. */
export const on = (more: Body = {}): Body => ({ extensions: { [PROFILES]: { enabled: true, ...more } } })

/** A list that names no members, and so does not load them lazily. */
export const plain = (to = 19): Body => ({
  lists: { all: { ranges: [[0, to]], timeline_limit: 1, required_state: [] } },
})

const at = (client: Client, field: string) => `/profile/${encodeURIComponent(client.userId)}/${field}`

export async function set(client: Client, field: string, value: unknown): Promise<void> {
  must(await client.put(at(client, field), { [field]: value }))
}

export async function remove(client: Client, field: string): Promise<void> {
  must(await client.delete(at(client, field)))
}

/** What an answer tells, by user. */
export const told = ({ extensions }: Body): Body => extensions[PROFILES]?.users ?? {}

/** The name that a new account has. */
export const nameOf = ({ userId }: Client) => userId.slice(1, userId.indexOf(':'))

/** Two people, and a room that both are in. */
export async function pairOf(
  someone: () => Promise<Client>,
): Promise<[alice: Client, bob: Client, room: string]> {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  return [alice, bob, room]
}

/** A connection that has been told of everybody. */
export async function begun(http: Api, client: Client, asked: Body): Promise<Connection> {
  const main = connection(http, client)
  await main.ask(asked)
  return main
}
