/** A deployment that nobody uses does nothing: no alarm, no timer, no schedule, and so no call that is billed. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { projectRoot } from '../../local/paths.ts'
import { must } from '../support/client.ts'
import { settled } from '../support/faults.ts'
import { serving } from '../support/serving.ts'

// With presence a User object has one more alarm, five minutes after its last poll, and then none.
const { server, http, alice, bob } = serving(['alice', 'bob'], {
  presence: 'off',
  staysAwake: 'counts calls',
})

/** An alarm further off than this is none, ms. */
const EVER = 1e14
/** Alarms ring until some ten seconds after the last request, on a busy machine later still, ms. */
const PATIENCE_MS = 60_000

const enc = encodeURIComponent

it('a server whose clients have gone has no alarm and no timer, and calls nobody', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'A room' })
  must(await bob.join(roomId))
  const eventId = await alice.say(roomId, 'hello')
  must(await bob.sync({ timeout: 100 }))
  must(await bob.post(`/rooms/${enc(roomId)}/receipt/m.read/${enc(eventId)}`))
  must(await bob.put(`/rooms/${enc(roomId)}/typing/${enc(bob.userId)}`, { typing: true, timeout: 1000 }))
  must(await bob.put(`/sendToDevice/org.example/t1`, { messages: { [alice.userId]: { '*': {} } } }))
  must(await alice.put(`/user/${enc(alice.userId)}/account_data/org.example`, { a: 1 }))
  must(await alice.put(`/profile/${enc(alice.userId)}/displayname`, { displayname: 'Alice' }))
  must(await (await http.login('alice')).post('/logout'))

  await settled(http, EVER, PATIENCE_MS)
  const pending = must(await http.request('GET', '/_selvedge/test/timers')).body
  expect(pending).toEqual({ pending: 0 })
  const look = async () => {
    const { body } = must(await http.request('GET', '/_selvedge/test/calls'))
    return [body, server.postgres.calls, server.redis.calls]
  }
  const before = await look()
  await settled(http, EVER, PATIENCE_MS)
  expect(await look()).toEqual(before)
}, 150_000)

it('no schedule wakes the deployment', () => {
  const { triggers } = unstable_readConfig({ config: join(projectRoot, 'wrangler.toml') })
  expect(triggers.crons ?? []).toEqual([])
})
