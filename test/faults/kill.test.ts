/** kill -9 in the middle of sends: what was acknowledged is there, once, in order, and nobody misses it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Api, api, type Client } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { history, inRoom, Receiver } from './helpers.ts'

/** A message, and the event that the server acknowledged it as. */
interface Sent {
  text: string
  eventId: string
}

/** Sends one message as clients do: again with the same transaction id until it is acknowledged. */
async function insist(client: Client, roomId: string, text: string): Promise<Sent> {
  const answer = await eventually(
    () => send(client, roomId, text),
    (outcome) => outcome?.status === 200,
  )
  return { text, eventId: answer!.body.event_id }
}

async function send(client: Client, roomId: string, text: string) {
  const path = inRoom(roomId, 'send', 'm.room.message', `txn-${text}`)
  return client.put(path, { msgtype: 'm.text', body: text }).catch(() => undefined)
}

/** `lanes` senders side by side, each sending one message after the other. */
async function sendAll(client: Client, roomId: string, lanes: number, each: number, onSent: () => void) {
  const lane = async (name: number): Promise<Sent[]> => {
    const sent: Sent[] = []
    for (let n = 0; n < each; n += 1) {
      sent.push(await insist(client, roomId, `${name}/${n}`))
      onSent()
    }
    return sent
  }
  return Promise.all(Array.from({ length: lanes }, (_, name) => lane(name)))
}

/** Every acknowledged event is in the history once, each lane in its order, and nothing else is. */
async function expectAllThere(client: Client, roomId: string, lanes: Sent[][]): Promise<void> {
  const events = await history(client, roomId)
  const ids = events.map((event) => event.event_id)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(lanes.flatMap((sent) => sent.map(({ eventId }) => eventId)).sort())
  for (const [name, sent] of lanes.entries()) {
    const texts = events.map((event) => event.content.body).filter((text) => text.startsWith(`${name}/`))
    expect(texts).toEqual(sent.map(({ text }) => text))
  }
}

async function expectRetriesAnswerTheSame(client: Client, roomId: string, lanes: Sent[][]): Promise<void> {
  for (const { text, eventId } of lanes.flat()) {
    expect((await send(client, roomId, text))?.body.event_id).toBe(eventId)
  }
}

describe('the runtime killed twice in the middle of 500 sends', () => {
  let server: TestServer
  let http: Api
  let alice: Client
  let bob: Client
  let roomId: string
  let lanes: Sent[][]
  let receivers: Receiver[]

  beforeAll(async () => {
    server = await startServer()
    http = api(server)
    alice = await http.register('alice')
    bob = await http.register('bob')
    roomId = await alice.createRoom({ invite: [bob.userId] })
    await bob.join(roomId)
    receivers = await Promise.all([Receiver.start(bob, roomId), Receiver.start(alice, roomId)])
    let sent = 0
    const restarts: Promise<void>[] = []
    lanes = await sendAll(alice, roomId, 5, 100, () => {
      sent += 1
      if (sent === 150 || sent === 350) restarts.push(server.restart())
    })
    expect(restarts).toHaveLength(2)
    await Promise.all(restarts)
  })
  afterAll(async () => {
    await Promise.all(receivers?.map((receiver) => receiver.stop()) ?? [])
    await server?.stop()
  })

  it('keeps each acknowledged event once, in order', () => expectAllThere(bob, roomId, lanes))

  it('answers retries with the same events', async () => {
    await expectRetriesAnswerTheSame(alice, roomId, lanes)
    await expectAllThere(bob, roomId, lanes)
  })

  it('brings everything to the receivers that waited', async () => {
    const ids = (await history(bob, roomId)).map((event) => event.event_id)
    for (const receiver of receivers) {
      await eventually(
        async () => receiver.events.length,
        (received) => received >= ids.length,
      )
      expect(receiver.gaps).toBe(0)
      expect(receiver.events.map((event) => event.event_id)).toEqual(ids)
    }
  })

  it('brings everything to the archive', async () => {
    const query = "select event_id from events where room_id = $1 and type = 'm.room.message' order by pos"
    const rows = await eventually(
      () => server.pg(query, [roomId]),
      (found) => found.length >= 500,
    )
    const ids = (await history(bob, roomId)).map((event) => event.event_id)
    expect(rows.map((row) => row.event_id)).toEqual(ids)
  })
})

describe('the launcher killed in the middle of sends', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-killed-'))
  const running = new Set<() => Promise<void>>()
  afterAll(async () => {
    await Promise.all([...running].map((kill) => kill()))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  /** Starts what `npm start` runs, and answers when it is ready. */
  async function launch(): Promise<{ url: string; kill(): Promise<void> }> {
    const main = join(projectRoot, 'local', 'main.ts')
    const options = ['--port', '0', '--server-name', 'test.example', '--data-dir', folder]
    const cheap = ['--registration', 'open', '--rate-limits', 'off', '--password-cost', 'low']
    const child = spawn(process.execPath, [main, ...options, ...cheap, '--log-level', 'error'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const kill = async () => {
      running.delete(kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    running.add(kill)
    for await (const line of createInterface({ input: child.stdout })) {
      const [, url] = /ready: (http:\S+)/.exec(line) ?? []
      if (url === undefined) continue
      child.stdout.resume()
      return { url, kill }
    }
    throw new Error('the launcher ended before it was ready')
  }

  const isServed = async (url: string) =>
    fetch(`${url}/health`).then(
      () => true,
      () => false,
    )

  it('leaves nothing running, and has all that was acknowledged after a restart', async () => {
    const first = await launch()
    const target = { url: first.url }
    const http = api(target)
    const alice = await http.register('alice')
    const roomId = await alice.createRoom()
    let sent = 0
    let restarted: Promise<void> | undefined
    const restart = async () => {
      await first.kill()
      await eventually(
        () => isServed(first.url),
        (served) => !served,
      )
      target.url = (await launch()).url
    }
    const lanes = await sendAll(alice, roomId, 4, 25, () => {
      sent += 1
      if (sent === 40) restarted = restart()
    })
    await restarted
    expect(target.url).not.toBe(first.url)
    await expectAllThere(alice, roomId, lanes)
    await expectRetriesAnswerTheSame(alice, roomId, lanes)
    await expectAllThere(alice, roomId, lanes)
  }, 90_000)
})
