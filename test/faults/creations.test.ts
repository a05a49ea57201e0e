/** Rooms made at the same moment. */
import { expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { serving } from '../support/serving.ts'

const { alice } = serving(['alice'])

it.each(['10', '11', '12'])('are as many as were asked for, in version %s', async (version) => {
  const before: string[] = must(await alice.get('/joined_rooms')).body.joined_rooms
  const made = await Promise.all(
    Array.from({ length: 15 }, () => alice.createRoom({ room_version: version })),
  )
  expect(new Set(made).size).toBe(made.length)
  const { joined_rooms: joined } = must(await alice.get('/joined_rooms')).body
  expect(new Set(joined)).toEqual(new Set([...before, ...made]))
})
