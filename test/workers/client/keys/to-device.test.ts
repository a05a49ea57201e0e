/** To-device messages: never lost, never told twice, whatever breaks on the way. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { planFault, settled, waitingPoll } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { look, send, TYPE, to } from './device-messages.ts'

const { server, http, someone } = serving()

describe('a message', () => {
  it('comes only to its device, with its sender and type', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const bobsPhone = await http.login(bob.userId)
    must(await send(alice, to(bob, { n: 1 })))
    const { body } = must(await bob.sync())
    expect(body.to_device).toEqual({ events: [{ sender: alice.userId, type: TYPE, content: { n: 1 } }] })
    expect((await look(bobsPhone)).said).toEqual([])
  })

  it('for every device comes to every device', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const phone = await http.login(bob.userId)
    must(await send(alice, to(bob, { n: 1 }, '*')))
    for (const device of [bob, phone]) expect((await look(device)).said).toEqual([{ n: 1 }])
  })

  it('for every device comes to the devices that exist when it arrives', async () => {
    const [alice, bob] = [await someone(), await someone()]
    must(await send(alice, to(bob, { n: 1 }, '*')))
    expect((await look(bob)).said).toEqual([{ n: 1 }])
    expect((await look(await http.login(bob.userId))).said).toEqual([])
  })

  it('comes to another device of the sender', async () => {
    const alice = await someone()
    const phone = await http.login(alice.userId)
    must(await send(alice, to(phone, { n: 1 })))
    expect((await look(phone)).said).toEqual([{ n: 1 }])
  })

  it('ends a waiting poll at once', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const { next } = await look(bob)
    const { answer } = await waitingPoll(http, bob, { since: next })
    must(await send(alice, to(bob, { n: 1 })))
    expect(must(await answer).body.to_device.events).toHaveLength(1)
  })

  it('stays until the token of its answer comes back, and is not told again then', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const { next: before } = await look(bob)
    must(await send(alice, to(bob, { n: 1 })))
    const first = await look(bob, before)
    expect(first.said).toEqual([{ n: 1 }])
    // The answer was lost: the same token asks again.
    const again = await look(bob, before)
    expect(again.said).toEqual([{ n: 1 }])
    expect((await look(bob, again.next)).said).toEqual([])
    expect((await look(bob, before)).said).toEqual([])
  })

  it.each(['older', 'newer'])('is not acknowledged by another device, whose own is %s', async (which) => {
    const [alice, bob] = [await someone(), await someone()]
    const phone = await http.login(bob.userId)
    for (const device of which === 'older' ? [phone, bob] : [bob, phone]) {
      must(await send(alice, to(device, { for: device.deviceId })))
    }
    const { said, next } = await look(phone)
    expect(said).toEqual([{ for: phone.deviceId }])
    expect((await look(phone, next)).said).toEqual([])
    expect((await look(bob)).said).toEqual([{ for: bob.deviceId }])
  })

  it.each(['before', 'after'])(
    'is not acknowledged by the token of another device, told %s it',
    async (when) => {
      const [alice, bob] = [await someone(), await someone()]
      const phone = await http.login(bob.userId)
      // Whichever message is the newer one: the token names a place in one line of messages.
      for (const device of when === 'before' ? [phone, bob] : [bob, phone]) {
        must(await send(alice, to(device, { for: device.deviceId })))
      }
      const { next } = await look(phone)
      expect((await look(bob, next)).said).toEqual([{ for: bob.deviceId }])
      const own = await look(bob)
      expect(own.said).toEqual([{ for: bob.deviceId }])
      expect((await look(bob, own.next)).said).toEqual([])
    },
  )

  it('sent twice under one transaction id is one message', async () => {
    const [alice, bob] = [await someone(), await someone()]
    for (let i = 0; i < 2; i += 1) must(await send(alice, to(bob, { n: 1 }), 'same'))
    expect((await look(bob)).said).toEqual([{ n: 1 }])
  })

  it('sent twice at once under one transaction id is one message, and two from two devices', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const phone = await http.login(alice.userId)
    for (const from of [alice, phone]) {
      const sends = Array.from({ length: 8 }, () => send(from, to(bob, { n: 1 }), 'same'))
      for (const answer of await Promise.all(sends)) must(answer)
    }
    expect((await look(bob)).said).toEqual([{ n: 1 }, { n: 1 }])
  })

  it('for a device or a user that does not exist, or of another server, is dropped', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const nobody = { '@nobody:test.example': { '*': {} }, '@far:other.example': { '*': {} } }
    must(await send(alice, { ...nobody, ...to(bob, { n: 1 }, 'GONE') }))
    expect((await look(bob)).said).toEqual([])
  })

  it('is gone with its device', async () => {
    const [alice, bob] = [await someone(), await someone()]
    const phone = await http.login(bob.userId)
    must(await send(alice, to(phone, { secret: 'for the phone' })))
    must(await phone.post('/logout'))
    const user = objectName.user(server.serverName, bob.userId)
    expect(await server.sql('USER', user, 'SELECT id FROM inbox')).toEqual([])
  })
})

describe('whatever breaks, a message that was acknowledged arrives once', () => {
  /** All that a device is told until nothing more is on its way. */
  async function all(client: Client, wanted: number): Promise<Body[]> {
    const told: Body[] = []
    let since: string | undefined
    for (let tries = 0; tries < 60 && told.length < wanted; tries += 1) {
      const { said, next } = await look(client, since, 500)
      told.push(...said)
      since = next
    }
    await settled(http)
    told.push(...(await look(client, since)).said)
    return told
  }

  it('after kill -9', async () => {
    const [alice, bob] = [await someone(), await someone()]
    must(await send(alice, to(bob, { n: 1 })))
    await server.restart()
    expect(await all(bob, 1)).toEqual([{ n: 1 }])
  })

  it.each(['drop:user.takeToDevice', 'lose:user.takeToDevice', 'twice:user.takeToDevice'])(
    'with %s',
    async (name) => {
      const [alice, bob] = [await someone(), await someone()]
      await planFault(http, name)
      must(await send(alice, to(bob, { n: 1 })))
      must(await send(alice, to(bob, { n: 2 })))
      expect(await all(bob, 2)).toEqual([{ n: 1 }, { n: 2 }])
    },
  )

  it('when the sender’s object dies after the commit', async () => {
    const [alice, bob] = [await someone(), await someone()]
    await planFault(http, 'user:abort-after-commit')
    // The call is made again by itself; where it is not, the client does.
    const answer = await send(alice, to(bob, { n: 1 }), 'once')
    if (answer.status !== 200) must(await send(alice, to(bob, { n: 1 }), 'once'))
    expect(await all(bob, 1)).toEqual([{ n: 1 }])
  })

  it('when the sender’s client goes away after the first call', async () => {
    const [alice, bob] = [await someone(), await someone()]
    await http
      .request(
        'PUT',
        `/sendToDevice/${TYPE}/gone`,
        { messages: to(bob, { n: 1 }) },
        {
          token: alice.token,
          headers: { 'X-Selvedge-Test': 'drop-after-first-rpc' },
        },
      )
      .catch(() => undefined)
    must(await send(alice, to(bob, { n: 1 }), 'gone'))
    expect(await all(bob, 1)).toEqual([{ n: 1 }])
  })

  it('with several senders, two devices and lost answers', async () => {
    const bob = await someone()
    const phone = await http.login(bob.userId)
    const senders = await Promise.all(Array.from({ length: 4 }, someone))
    const sending = senders.map(async (sender, s) => {
      for (let n = 0; n < 15; n += 1) must(await send(sender, to(bob, { s, n }, '*')))
    })
    const receive = async (device: Client): Promise<string[]> => {
      const told: string[] = []
      let since: string | undefined
      for (let polls = 0; told.length < 60 && polls < 200; polls += 1) {
        const { body } = must(await device.sync({ since, timeout: 500 }))
        // Every third answer is lost.
        if (polls % 3 === 2) continue
        told.push(...(body.to_device?.events ?? []).map((event: Body) => JSON.stringify(event.content)))
        since = body.next_batch
      }
      return told
    }
    const [one, other] = await Promise.all([receive(bob), receive(phone), ...sending])
    for (const told of [one, other]) {
      expect(new Set(told as string[]).size).toBe(60)
      expect(told).toHaveLength(60)
    }
  })
})

it.each([
  ['no messages', {}, 400, 'M_MISSING_PARAM'],
  ['messages that are no object', { messages: [] }, 400, 'M_BAD_JSON'],
  ['a content that is no object', { messages: { '@a:test.example': { D: 'text' } } }, 400, 'M_BAD_JSON'],
  ['a receiver that is no user', { messages: { nobody: {} } }, 400, 'M_BAD_JSON'],
])('refuses %s', async (_, body, status, errcode) => {
  const alice = await someone()
  const answer = await alice.put(`/sendToDevice/${TYPE}/bad`, body)
  expect([answer.status, answer.body.errcode]).toEqual([status, errcode])
})

it('refuses a message of more than 64 KiB, and more messages than one call carries, and sends none of them', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const frame = '{"text":""}'.length
  const text = (length: number) => ({ text: 'x'.repeat(length - frame) })
  const large = await send(alice, { ...to(alice, { n: 1 }), ...to(bob, text(65_537)) })
  expect([large.status, large.body.errcode]).toEqual([413, 'M_TOO_LARGE'])
  // Quotes are escaped in each layer.
  const quotes = Object.fromEntries(
    Array.from({ length: 15 }, (_, i) => [`D${i}`, { q: '"'.repeat(30_000) }]),
  )
  const many = await send(alice, { [bob.userId]: quotes })
  expect([many.status, many.body.errcode]).toEqual([413, 'M_TOO_LARGE'])
  for (const client of [alice, bob]) expect((await look(client)).said).toEqual([])
  must(await send(alice, to(bob, text(65_536))))
  expect((await look(bob)).said).toHaveLength(1)
})

it.each(['v3', 'r0'])('is served under %s', async (prefix) => {
  const [alice, bob] = [await someone(), await someone()]
  const path = `/_matrix/client/${prefix}/sendToDevice/${TYPE}/p1`
  must(await http.request('PUT', path, { messages: to(bob, { n: 1 }) }, { token: alice.token }))
  expect((await look(bob)).said).toEqual([{ n: 1 }])
})

it('needs an access token', async () => {
  const answer = await http.request('PUT', `/sendToDevice/${TYPE}/1`, { messages: {} })
  expect([answer.status, answer.body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
})
