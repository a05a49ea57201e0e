/** Names of before the specification that /versions still claims, for clients that have not learned the new ones. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice } = serving(['alice'], { presence: 'off' })
let features: Record<string, boolean>

beforeAll(async () => {
  features = must(await http.request('GET', '/_matrix/client/versions')).body.unstable_features
})

const room = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}${rest}`
const unstable = (prefix: string, path: string) => `/_matrix/client/unstable/${prefix}${path}`
const ids = (events: Body[]) => events.map(({ event_id }) => event_id)

async function relate(id: string, target: string, rel_type: string, txnId: string): Promise<string> {
  const content = { msgtype: 'm.text', body: 'x', 'm.relates_to': { rel_type, event_id: target } }
  return must(await alice.put(room(id, `/send/m.room.message/${txnId}`), content)).body.event_id
}

describe('relations', () => {
  it('are reversed and followed by org.matrix.msc3715.dir and org.matrix.msc3981.recurse', async () => {
    expect([features['org.matrix.msc3715.stable'], features['org.matrix.msc3981']]).toEqual([true, true])
    const id = await alice.createRoom()
    const parent = await alice.say(id, 'parent')
    const first = await relate(id, parent, 'm.thread', 'a1')
    const second = await relate(id, parent, 'm.thread', 'a2')
    const deep = await relate(id, first, 'm.reference', 'a3')
    const path = `/_matrix/client/v1${room(id, `/relations/${encodeURIComponent(parent)}`)}`
    const asked = async (query: Body) => ids(must(await alice.get(path, query)).body.chunk)
    expect(await asked({ 'org.matrix.msc3715.dir': 'f' })).toEqual([first, second])
    expect(await asked({ 'org.matrix.msc3981.recurse': true })).toEqual([deep, second, first])
  })

  it('in threads are listed under org.matrix.msc3856', async () => {
    expect([features['org.matrix.msc3856.stable'], features['org.matrix.msc3440.stable']]).toEqual([
      true,
      true,
    ])
    const id = await alice.createRoom()
    const root = await alice.say(id, 'root')
    await relate(id, root, 'm.thread', 'b1')
    const { chunk } = must(await alice.get(unstable('org.matrix.msc3856', room(id, '/threads')))).body
    expect(ids(chunk)).toEqual([root])
    expect(chunk[0].unsigned['m.relations']['m.thread'].count).toBe(1)
  })
})

describe('fallback keys', () => {
  it('are accepted and announced under org.matrix.msc2732 too', async () => {
    const bob = await http.register('bob')
    const device = makeDevice(bob)
    const body = { device_keys: device.keys, 'org.matrix.msc2732.fallback_keys': device.fallbackKey() }
    must(await bob.post('/keys/upload', body))
    const told = must(await bob.sync()).body
    expect(told['org.matrix.msc2732.device_unused_fallback_key_types']).toEqual(['signed_curve25519'])
    expect(told.device_unused_fallback_key_types).toEqual(['signed_curve25519'])
  })
})

describe('a report of a room', () => {
  it('is accepted under org.matrix.msc4151', async () => {
    expect(features['org.matrix.msc4151']).toBe(true)
    const path = unstable('org.matrix.msc4151', room(await alice.createRoom(), '/report'))
    const answer = await http.request('POST', path, { reason: 'odd' }, { token: alice.token })
    expect([answer.status, answer.body]).toEqual([200, {}])
  })
})

describe('a feature', () => {
  it('of profiles is claimed under the names that clients ask for', () => {
    expect([features['uk.tcpip.msc4133'], features['uk.tcpip.msc4133.stable']]).toEqual([true, true])
  })

  it('of sliding sync is claimed, since clients ask before they use it', () => {
    expect(features['org.matrix.simplified_msc3575']).toBe(true)
  })

  it('that does not exist is not claimed', () => {
    const absent = ['msc4143', 'msc4306', 'msc4354', 'msc4429.stable', 'msc4446']
    for (const name of absent) expect(features[`org.matrix.${name}`] ?? false).toBe(false)
  })
})
