/** The tables of RPC methods: what the compiler cannot say of them. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Answer, type Api, api, type Client, must } from '../support/client.ts'
import { passed, planFault } from '../support/faults.ts'
import { startServer, type TestServer } from '../support/server.ts'

const { installRpc, isLarge, mayRepeat } = (await import(
  join(projectRoot, 'durable-objects', 'rpc-table.ts')
)) as typeof import('../../durable-objects/rpc-table.ts')

describe('a table', () => {
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
      {
        partsOf: parts,
        check: ({ checked }, { userId }) => void checked.push(userId),
        stored: async () => {},
      },
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

  it('is refused if it wants a session checked by an object that knows no sessions', () => {
    const table = { tableTestFour: { session: 'checked', repeatable: true, run: () => 'four' } } as const
    expect(() =>
      installRpc(class {}, 'room', table, { partsOf: () => ({}), stored: async () => {} }),
    ).toThrow('the row tableTestFour')
  })
})

describe('a call whose object was reset after its commit', () => {
  let server: TestServer
  let http: Api
  let user: Client

  beforeAll(async () => {
    server = await startServer()
    http = api(server)
    user = await http.register('patient')
  })
  afterAll(() => server?.stop())

  const own = (path: string) => `/user/${user.userId}${path}`
  const WORD = '/pushrules/global/content/word'
  const newRule = () => user.put(WORD, { pattern: 'word', actions: [] })

  const AGAIN: Record<string, [ask: () => Promise<Answer>, holds: () => Promise<unknown>]> = {
    'user.renameDevice': [
      () => user.put(`/devices/${user.deviceId}`, { display_name: 'Renamed' }),
      async () => expect(must(await user.get(`/devices/${user.deviceId}`)).body.display_name).toBe('Renamed'),
    ],
    'user.putFilter': [
      () => user.post(own('/filter'), { room: { timeline: { limit: 3 } } }),
      async () => {
        const { filter_id: id } = must(
          await user.post(own('/filter'), { room: { timeline: { limit: 3 } } }),
        ).body
        expect(must(await user.get(own(`/filter/${id}`))).body).toEqual({ room: { timeline: { limit: 3 } } })
      },
    ],
    'user.putAccountData': [
      () => user.put(own('/account_data/org.example'), { a: 1 }),
      async () => expect(must(await user.get(own('/account_data/org.example'))).body).toEqual({ a: 1 }),
    ],
    'user.changePushRules': [
      newRule,
      async () => expect(must(await user.get(WORD)).body.pattern).toBe('word'),
    ],
    'room.setTyping': [
      async () => {
        const roomId = encodeURIComponent(await user.createRoom())
        return user.put(`/rooms/${roomId}/typing/${user.userId}`, { typing: true, timeout: 10_000 })
      },
      async () => expect(JSON.stringify(must(await user.sync()).body)).toContain('"m.typing"'),
    ],
  }

  it.each(Object.keys(AGAIN))('%s is made again if that does no harm', async (operation) => {
    const [ask, holds] = AGAIN[operation]!
    await planFault(http, `reset:${operation}`)
    must(await ask())
    await passed(http, `reset:${operation}`)
    await holds()
  })

  const KEY_BACKUP = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } }

  it.each<[operation: string, before: () => Promise<unknown>, ask: () => Promise<Answer>]>([
    ['user.createKeyBackup', async () => {}, () => user.post('/room_keys/version', KEY_BACKUP)],
    ['user.changePushRules', newRule, () => user.delete(WORD)],
  ])(
    '%s is not made again where it could do something twice: 503, and the client decides',
    async (operation, before, ask) => {
      await before()
      await planFault(http, `reset:${operation}`)
      expect((await ask()).status).toBe(503)
      await passed(http, `reset:${operation}`)
    },
  )
})
