/** A Selvedge and a Synapse that reach each other over wires which a test may cut, and people on both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../support/client.ts'
import { makeCertificate } from '../support/deployment/certificates.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type Cable, cable } from './cable.ts'
import { type Synapse, startSynapse } from './synapse.ts'

export interface Side {
  name: string
  http: Api
  cable: Cable
}

export interface Pair {
  selvedge: Side & { server: TestServer }
  synapse: Side
  /** Neither reaches the other. */
  split(): void
  heal(): void
}

/** How long what one server says may take to the other: machines are slow, and servers wait before they try again. */
export const PATIENCE = { timeout: 60_000, interval: 100 }

/** Both servers, before the first test of the file and until after its last. */
export function pair(): Pair {
  const made = {} as Pair
  let synapse: Synapse | undefined
  let server: TestServer | undefined
  const cables: Cable[] = []
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-interop-'))
  beforeAll(async () => {
    const certificate = makeCertificate(folder, 30)
    const [ours, theirs] = [await cable(), await cable()]
    cables.push(ours, theirs)
    const [names, ports] = [[ours, theirs].map(({ port }) => `localhost:${port}`), await freePorts(3)]
    const [httpsPort, clients, federation] = ports as [number, number, number]
    server = await startServer({
      'server-name': names[0]!,
      'https-port': String(httpsPort),
      'tls-cert': certificate.cert,
      'tls-key': certificate.key,
      ca: certificate.cert,
      federation: 'on',
      'allow-private-networks': 'on',
    })
    synapse = await startSynapse(names[1]!, certificate, { clients, federation })
    ours.lead(httpsPort)
    theirs.lead(federation)
    made.selvedge = { name: names[0]!, http: api(server), cable: ours, server }
    made.synapse = { name: names[1]!, http: api(synapse), cable: theirs }
    made.split = () => {
      for (const wire of cables) wire.cut()
    }
    made.heal = () => {
      for (const wire of cables) wire.mend()
    }
  })
  afterAll(async () => {
    await synapse?.stop()
    for (const wire of cables) wire.close()
    rmSync(folder, { recursive: true, force: true })
    await server?.stop()
  })
  return made
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

/** Joins a room through a server that is in it. */
export async function joinVia(who: Client, roomId: string, via: string): Promise<void> {
  const room = encodeURIComponent(roomId)
  must(await who.post(`/join/${room}?via=${via}&server_name=${via}`))
}

/** What was said in the room, the oldest first, as far as the user can see and the server has it. */
export async function said(who: Client, roomId: string): Promise<string[]> {
  const bodies: string[] = []
  let from: string | undefined
  for (;;) {
    const page = must(await who.get(`/rooms/${roomId}/messages`, { dir: 'b', limit: 200, from })).body
    const texts = page.chunk.filter((event: Body) => event.type === 'm.room.message' && event.content.body)
    bodies.push(...texts.map(({ content }: Body) => content.body))
    from = page.end
    if (from === undefined || page.chunk.length === 0) return bodies.reverse()
  }
}

/** The newest messages, the newest first. */
export async function newest(who: Client, roomId: string): Promise<string[]> {
  const { body } = must(await who.get(`/rooms/${roomId}/messages`, { dir: 'b', limit: 20 }))
  return body.chunk
    .map(({ content }: Body) => content.body)
    .filter((text: unknown) => typeof text === 'string')
}

/** The room's state by type and key, as far as both servers must agree on it. */
export async function stateOf(who: Client, roomId: string): Promise<Record<string, string>> {
  const { body } = must(await who.get(`/rooms/${roomId}/state`))
  const entries = body.map((event: Body): [string, string] => [
    `${event.type} ${event.state_key}`,
    event.event_id,
  ])
  return Object.fromEntries(entries.sort())
}

/** Waits until users of both servers see the same state. Answers it. */
export async function agreed(roomId: string, some: Client, other: Client): Promise<Record<string, string>> {
  await expect
    .poll(async () => [await stateOf(some, roomId), await stateOf(other, roomId)], PATIENCE)
    .toSatisfy(([a, b]) => JSON.stringify(a) === JSON.stringify(b))
  return stateOf(some, roomId)
}
