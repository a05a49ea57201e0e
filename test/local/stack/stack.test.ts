/** The whole stack: clients talk through nginx, parts are killed and come back, and nothing is left at the end. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCertificates, trust } from '../../../local/tls.ts'
import { type Api, api, type Client, must } from '../../support/client.ts'
import type { Ran } from '../../support/command.ts'
import { openStream } from '../../support/stream.ts'
import { lacking, needingStack, pidsIn, processesOf, removeStacks, stack, stackFolder } from './places.ts'

const NAMES = ['postgres', 'redis', 'selvedge', 'nginx', 'prometheus']
const OPTIONS = ['--password-cost', 'low', '--registration', 'open']

describe.skipIf(lacking !== undefined)(needingStack('npm run stack'), () => {
  const folder = stackFolder()
  let first: Ran
  let url: string
  let http: Api
  let alice: Client
  let bob: Client
  let room: string

  const ports = () =>
    JSON.parse(readFileSync(join(folder, 'stack.json'), 'utf8')).ports as Record<string, number>

  beforeAll(async () => {
    first = await stack('up', folder, ...OPTIONS)
    if (first.code !== 0) throw new Error(first.stderr)
    trust(readCertificates(join(folder, 'tls', 'ca.pem')))
    url = `https://127.0.0.1:${ports().nginx}`
    http = api({ url })
    alice = await http.register('alice')
    bob = await http.register('bob')
    room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    await alice.say(room, 'before')
  }, 180_000)
  afterAll(removeStacks, 60_000)

  it('says where each of its services is, and which authority clients must trust', () => {
    for (const name of NAMES) expect(first.stdout).toContain(`${name} is ready: `)
    expect(first.stdout).toContain(`nginx is ready: https://localhost:${ports().nginx}`)
    expect(first.stdout).toContain(`the stack's own authority: ${join(folder, 'tls', 'ca.pem')}`)
    expect(first.stdout).not.toContain(
      JSON.parse(readFileSync(join(folder, 'stack.json'), 'utf8')).secrets.postgres,
    )
  })

  it('uses the server once at the end, through nginx, and leaves nothing of it', async () => {
    const used = new RegExp(
      `used once as a user does, at https://127.0.0.1:${ports().nginx}: 19 passed, 0 failed, 0 skipped`,
    )
    expect(first.stdout).toMatch(used)
    const found = must(await alice.post('/user_directory/search', { search_term: 'check' }))
    expect(found.body.results).toEqual([])
  })

  it('lets people talk through nginx, by polls and by a stream', async () => {
    const { next_batch: since } = must(await bob.sync()).body
    const poll = bob.sync({ since, timeout: 20_000 })
    const stream = await openStream({ url }, bob, { since })
    const eventId = await alice.say(room, 'through nginx')
    expect(must(await poll).body.rooms.join[room].timeline.events[0].event_id).toBe(eventId)
    await expect.poll(() => JSON.stringify(stream.bodies), { timeout: 20_000 }).toContain(eventId)
    await stream.close()
  })

  it('shows outsiders no metrics, and Prometheus those of the server', async () => {
    expect((await http.request('GET', '/_/../metrics')).status).toBe(404)
    const query = async () => {
      const asked = await fetch(
        `http://127.0.0.1:${ports().prometheus}/api/v1/query?query=up{job="selvedge"}`,
      )
      const { data } = (await asked.json()) as { data: { result: { value: [number, string] }[] } }
      return data.result.map(({ value }) => value[1])
    }
    await expect.poll(query, { timeout: 29_000, interval: 250 }).toEqual(['1'])
  })

  it('asks for passwords', async () => {
    const { default: pg } = await import('pg')
    const stranger = new pg.Client({
      host: '127.0.0.1',
      port: ports().postgres,
      user: 'selvedge',
      password: 'guess',
    })
    await expect(stranger.connect()).rejects.toThrow('password authentication failed')
    const { connectResp } = await import('../../../local/redis/resp.ts')
    await expect(connectResp(`redis://127.0.0.1:${ports().redis}`)).rejects.toThrow('NOAUTH')
  })

  it('is as it was after a second up', async () => {
    const before = pidsIn(folder)
    const { code, stdout } = await stack('up', folder)
    expect(code).toBe(0)
    for (const name of NAMES) expect(stdout).toContain(`${name} runs already`)
    expect(pidsIn(folder)).toEqual(before)
    expect(stdout).not.toContain('used once')
  })

  it('starts anew what is told other things, and nothing else', async () => {
    const before = pidsIn(folder)
    const { code, stdout } = await stack('up', folder, ...OPTIONS.slice(0, 2), '--registration', 'closed')
    expect(code).toBe(0)
    expect(stdout).toMatch(/: 19 passed, 0 failed, 0 skipped/)
    expect(pidsIn(folder)).toEqual({ ...before, selvedge: expect.any(Number) })
    expect(pidsIn(folder).selvedge).not.toBe(before.selvedge)
    expect((await http.request('POST', '/register', { username: 'carol' })).status).toBe(403)
  }, 60_000)

  it('tells how its services are, and keeps what they said', async () => {
    const { code, stdout } = await stack('status', folder)
    expect(stdout.trimEnd().split('\n')).toEqual(
      NAMES.map((name) => expect.stringMatching(`^${name} +ready +\\d+ `)),
    )
    expect(code).toBe(0)
    const logs = await stack('logs', folder, 'selvedge', '--lines', '200')
    expect(logs.code).toBe(0)
    expect(logs.stdout).toContain('Selvedge is ready')
  })

  it.each(['nginx', 'postgres', 'selvedge'])(
    'notices that %s was killed; up heals it, and nothing is lost',
    async (name) => {
      const eventId = await alice.say(room, `before ${name} was killed`)
      const before = pidsIn(folder)
      process.kill(before[name]!, 'SIGKILL')
      const sick = await stack('status', folder)
      expect(sick.code).toBe(1)
      expect(sick.stdout).toMatch(new RegExp(`^${name} +stopped +its process ${before[name]} has ended`, 'm'))
      const healed = await stack('up', folder)
      expect([healed.code, healed.stderr]).toEqual([0, ''])
      expect(healed.stdout).toContain(`${name} is ready: `)
      expect(pidsIn(folder)).toEqual({ ...before, [name]: expect.any(Number) })
      const { chunk } = must(
        await bob.get(`/rooms/${encodeURIComponent(room)}/messages`, { dir: 'b', limit: 20 }),
      ).body
      expect(chunk.map((event: { event_id: string }) => event.event_id)).toContain(eventId)
      await alice.say(room, `after ${name} was killed`)
    },
    120_000,
  )

  it('leaves out what it is told to, and leaves no process at the end', async () => {
    expect((await stack('up', folder, '--without', 'prometheus')).code).toBe(0)
    expect(Object.keys(pidsIn(folder))).not.toContain('prometheus')
    const { code, stdout } = await stack('down', folder)
    expect([code, stdout]).toEqual([0, 'stopped nginx, selvedge, redis, postgres\n'])
    expect(processesOf(folder)).toEqual([])
    expect((await stack('status', folder)).code).toBe(1)
    expect((await stack('down', folder)).stdout).toBe('nothing was running\n')
  }, 60_000)
})
