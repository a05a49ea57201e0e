/** Optional keys of bodies that are null: clients write them, and other servers take them as absent. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, must, testPassword } from '../support/client.ts'
import { serving } from '../support/serving.ts'

const { http, alice } = serving(['alice'])
let room: string

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
})

const inRoom = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`

describe('an optional key that is null', () => {
  const requests: [string, 'post' | 'put', () => string, Body][] = [
    ['a room', 'post', () => '/createRoom', { name: null, topic: null, preset: null, invite: null }],
    ['a join', 'post', () => inRoom('join'), { reason: null, third_party_signed: null }],
    ['a search of rooms', 'post', () => '/publicRooms', { since: null, include_all_networks: null }],
    ['a search of users', 'post', () => '/user_directory/search', { search_term: 'x', limit: null }],
    ['a device', 'put', () => `/devices/${alice.deviceId}`, { display_name: null }],
    ['keys', 'post', () => '/keys/upload', { device_keys: null, one_time_keys: null }],
    ['read markers', 'post', () => inRoom('read_markers'), { 'm.read': null, 'm.fully_read': null }],
  ]

  it.each(requests)('is absent: %s', async (_, method, path, body) => {
    must(await alice[method](path(), body))
  })

  it('is absent: a login', async () => {
    const identifier = { type: 'm.id.user', user: 'alice' }
    const login = { type: 'm.login.password', identifier, password: testPassword, device_id: null }
    const { body } = must(
      await http.request('POST', '/login', { ...login, initial_device_display_name: null }),
    )
    expect(body.device_id).toEqual(expect.any(String))
  })

  it('is refused where the key must be there', async () => {
    const answer = await alice.post(inRoom('kick'), { user_id: null, reason: null })
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_JSON'])
  })

  it('stays in what is kept as given', async () => {
    must(await alice.put(inRoom('state/org.example.nothing/'), { nothing: null }))
    const { body } = must(await alice.get(inRoom('state/org.example.nothing/')))
    expect(body).toEqual({ nothing: null })
  })
})
