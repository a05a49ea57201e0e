/** People who share rooms, and what syncs tell each of the devices of the others. */
import { expect } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'

/** A room of all these. */
export async function together(...[first, ...others]: Client[]): Promise<string> {
  const room = await first!.createRoom({ preset: 'public_chat' })
  for (const other of others) must(await other.join(room))
  return room
}

export const token = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch
export const newKeys = async (client: Client) =>
  must(await client.post('/keys/upload', { device_keys: makeDevice(client).keys }))

interface Lists {
  changed: Set<string>
  left: Set<string>
}

/** What syncs bring together until `isDone`. */
export async function listsUntil(
  client: Client,
  since: string,
  isDone: (lists: Lists) => boolean,
): Promise<Lists> {
  const lists: Lists = { changed: new Set(), left: new Set() }
  let from = since
  for (let i = 0; i < 20 && !isDone(lists); i += 1) {
    const body: Body = must(await client.sync({ since: from, timeout: 500 })).body
    for (const userId of body.device_lists?.changed ?? []) lists.changed.add(userId)
    for (const userId of body.device_lists?.left ?? []) lists.left.add(userId)
    from = body.next_batch
  }
  expect(isDone(lists)).toBe(true)
  return lists
}

export const untilChanged = (client: Client, since: string, { userId }: Client) =>
  listsUntil(client, since, ({ changed }) => changed.has(userId))
export const untilLeft = (client: Client, since: string, { userId }: Client) =>
  listsUntil(client, since, ({ left }) => left.has(userId))
