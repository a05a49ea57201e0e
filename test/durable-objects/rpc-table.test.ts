/** The tables of RPC methods: what the compiler cannot say of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Api, api, must } from '../support/client.ts'
import { planFault } from '../support/faults.ts'
import { startServer, type TestServer } from '../support/server.ts'

const { installRpc, isLarge, mayRepeat } = (await import(
  join(projectRoot, 'durable-objects', 'rpc-table.ts')
)) as typeof import('../../durable-objects/rpc-table.ts')

/** The names of the rows of every table below a folder: they stand at the first level of each table. */
function rowsBelow(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('rpc.ts'))
    .flatMap((name) => {
      const source = readFileSync(join(projectRoot, folder, name), 'utf8')
      return [...source.matchAll(/^ {2}(\w+): \{/gm)].map((match) => match[1]!)
    })
}

describe('a table', () => {
  it.each([
    ['durable-objects/user', 60],
    ['durable-objects/room', 35],
  ])('in %s has no name of another', (folder, atLeast) => {
    const names = rowsBelow(folder)
    expect(names.length).toBeGreaterThan(atLeast)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('gives a class its methods, and callers what is true of them', async () => {
    class Thing {
      readonly parts = { checked: [] as string[] }
    }
    const parts = (thing: Thing) => thing.parts
    installRpc(
      Thing,
      'room',
      {
        tableTestOne: { session: 'checked', repeatable: true, large: true, run: () => 'one' },
        tableTestTwo: {
          session: 'none',
          repeatable: (name: string) => name === 'again',
          run: async (_, name: string) => name,
        },
        tableTestThree: {
          session: 'none',
          repeatable: false,
          run() {
            throw new Error('a fault of ours')
          },
        },
      },
      { partsOf: parts, check: ({ checked }, { userId }) => void checked.push(userId) },
    )
    const thing = new Thing() as Thing & Record<string, (...args: unknown[]) => unknown>
    const session = { userId: '@a:x', deviceId: 'D', sessionId: 'S' }
    expect(thing.tableTestOne!(session)).toEqual({ ok: true, value: 'one' })
    expect(thing.parts.checked).toEqual(['@a:x'])
    expect(await thing.tableTestTwo!('name')).toEqual({ ok: true, value: 'name' })
    expect(() => thing.tableTestThree!()).toThrow('a fault of ours')
    expect([isLarge('room.tableTestOne'), isLarge('room.tableTestTwo')]).toEqual([true, false])
    expect(mayRepeat('room', 'tableTestTwo', ['again'])).toBe(true)
    expect(mayRepeat('room', 'tableTestTwo', ['once'])).toBe(false)
    expect(mayRepeat('room', 'unknown', [])).toBe(false)
  })
})

describe('a call whose object was reset in the middle', () => {
  let server: TestServer
  let http: Api

  beforeAll(async () => {
    server = await startServer()
    http = api(server)
  })
  afterAll(() => server?.stop())

  it.each(['renameDevice', 'putFilter', 'putAccountData', 'changePushRules'])(
    '%s is made again where that does no harm',
    async (method) => {
      const user = await http.register(method.toLowerCase())
      await planFault(http, `reset:user.${method}`)
      const calls: Record<string, () => Promise<unknown>> = {
        renameDevice: () => user.put(`/devices/${user.deviceId}`, { display_name: 'Renamed' }),
        putFilter: () => user.post(`/user/${user.userId}/filter`, { room: { timeline: { limit: 3 } } }),
        putAccountData: () => user.put(`/user/${user.userId}/account_data/org.example`, { a: 1 }),
        changePushRules: () => user.put('/pushrules/global/content/word', { pattern: 'word', actions: [] }),
      }
      must((await calls[method]!()) as Awaited<ReturnType<typeof user.put>>)
    },
  )

  it('setTyping is made again where that does no harm', async () => {
    const user = await http.register('typist')
    const roomId = await user.createRoom()
    await planFault(http, 'reset:room.setTyping')
    must(
      await user.put(`/rooms/${encodeURIComponent(roomId)}/typing/${user.userId}`, {
        typing: true,
        timeout: 10_000,
      }),
    )
  })

  it('is not made again where it could do something twice: 503, and the client decides', async () => {
    const user = await http.register('twice')
    await planFault(http, 'reset:user.createKeyBackup')
    const answer = await user.post('/room_keys/version', {
      algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
      auth_data: { public_key: 'abc' },
    })
    expect(answer.status).toBe(503)
  })
})
