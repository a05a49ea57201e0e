/** Push rules: reading them, and what a client may change. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { presence: 'off' })
let alice: Client
let users = 0
beforeEach(async () => {
  users += 1
  alice = await http.register(`alice${users}`)
})

const rule = (kind: string, id: string, rest = '') =>
  `/pushrules/global/${kind}/${encodeURIComponent(id)}${rest}`
const ids = async (kind: string): Promise<string[]> =>
  must(await alice.get('/pushrules/global/')).body[kind].map((entry: Body) => entry.rule_id)
const own = async (kind: string) => (await ids(kind)).filter((id) => !id.startsWith('.'))
const put = (kind: string, id: string, body: Body, query: Body = {}) =>
  http.request('PUT', rule(kind, id), body, { token: alice.token, query })
const failure = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]

describe('a rule of one’s own', () => {
  it('is added, read, changed in its place, and deleted', async () => {
    expect(must(await put('content', 'cake', { actions: ['notify'], pattern: 'cake' })).body).toEqual({})
    must(await put('content', 'tea', { actions: [], pattern: 'tea' }))
    expect((await alice.get(rule('content', 'cake'))).body).toEqual({
      rule_id: 'cake',
      default: false,
      enabled: true,
      pattern: 'cake',
      actions: ['notify'],
    })
    must(await put('content', 'cake', { actions: [], pattern: 'cakes' }))
    expect(await own('content')).toEqual(['tea', 'cake'])
    must(await alice.delete(rule('content', 'cake')))
    expect(failure(await alice.get(rule('content', 'cake')))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await alice.get(rule('postcontent', 'cake')))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('that is disabled stays disabled when it is put again, and is enabled again after a deletion', async () => {
    const enabled = async () => (await alice.get(rule('content', 'cake', '/enabled'))).body.enabled
    must(await put('content', 'tea', { actions: [], pattern: 'tea' }))
    must(await put('content', 'cake', { actions: ['notify'], pattern: 'cake' }))
    must(await alice.put(rule('content', 'cake', '/enabled'), { enabled: false }))
    must(await put('content', 'cake', { actions: [], pattern: 'pie' }))
    expect(await enabled()).toBe(false)
    must(await put('content', 'cake', { actions: [], pattern: 'pie' }, { after: 'tea' }))
    expect(await enabled()).toBe(false)
    expect(await own('content')).toEqual(['tea', 'cake'])
    must(await alice.put(rule('content', 'cake', '/actions'), { actions: ['notify'] }))
    expect(await enabled()).toBe(false)
    must(await alice.delete(rule('content', 'cake')))
    must(await put('content', 'cake', { actions: [], pattern: 'cake' }))
    expect(await enabled()).toBe(true)
  })

  it('stands behind the master rule and before the other default ones', async () => {
    must(await put('override', 'mine', { actions: [], conditions: [] }))
    expect((await ids('override')).slice(0, 3)).toEqual([
      '.m.rule.master',
      'mine',
      '.org.matrix.msc4028.encrypted_event',
    ])
  })

  it('is written under a path that ends with a slash, too', async () => {
    const slash = rule('content', 'slash')
    must(await alice.put(`${slash}/`, { actions: ['notify'], pattern: 'slash' }))
    must(await alice.put(`${slash}/enabled/`, { enabled: false }))
    must(await alice.put(`${slash}/actions/`, { actions: [] }))
    expect((await alice.get(slash)).body).toMatchObject({ enabled: false, actions: [], pattern: 'slash' })
    must(await alice.delete(`${slash}/`))
    expect((await alice.get(slash)).status).toBe(404)
  })

  it('is placed before and after another', async () => {
    const body = { actions: [], conditions: [] }
    for (const id of ['one', 'two']) must(await put('underride', id, body))
    must(await put('underride', 'three', body, { before: 'one' }))
    must(await put('underride', 'four', body, { after: 'one' }))
    expect(await own('underride')).toEqual(['two', 'three', 'one', 'four'])
    must(await put('underride', 'two', body, { after: 'four' }))
    expect(await own('underride')).toEqual(['three', 'one', 'four', 'two'])
  })

  it.each([
    ['room', '.dotted', { actions: [] }, {}, [400, 'M_INVALID_PARAM']],
    ['room', 'a\\b', { actions: [] }, {}, [400, 'M_INVALID_PARAM']],
    ['room', 'a/b', { actions: [] }, {}, [400, 'M_INVALID_PARAM']],
    ['strange', 'x', { actions: [] }, {}, [400, 'M_INVALID_PARAM']],
    ['room', 'x', {}, {}, [400, 'M_MISSING_PARAM']],
    ['room', 'x', { actions: 'notify' }, {}, [400, 'M_BAD_JSON']],
    ['room', 'x', { actions: ['shout'] }, {}, [400, 'M_INVALID_PARAM']],
    ['override', 'x', { actions: [], conditions: [{}] }, {}, [400, 'M_INVALID_PARAM']],
    ['content', 'x', { actions: [] }, {}, [400, 'M_MISSING_PARAM']],
    ['room', 'x', { actions: [] }, { before: 'nobody' }, [400, 'M_UNKNOWN']],
    ['room', 'x', { actions: [] }, { after: 'nobody' }, [400, 'M_UNKNOWN']],
    ['override', 'x', { actions: [] }, {}, [400, 'M_MISSING_PARAM']],
    ['underride', 'x', { actions: [] }, {}, [400, 'M_MISSING_PARAM']],
    ['override', 'x', { actions: [], conditions: [] }, { after: '.m.rule.master' }, [400, 'M_INVALID_PARAM']],
  ])('is refused: %s %s %j %j', async (kind, id, body, query, expected) => {
    expect(failure(await put(kind, id, body, query))).toEqual(expected)
    expect(await own('room')).toEqual([])
  })
})

describe('the paths of rules', () => {
  it('lists by kind, by scope and whole', async () => {
    must(await put('content', 'cake', { actions: ['notify'], pattern: 'cake' }))
    const { global } = must(await alice.get('/pushrules/')).body
    expect(must(await alice.get('/pushrules')).body).toEqual({ global })
    for (const path of ['/pushrules/global', '/pushrules/global/'])
      expect(must(await alice.get(path)).body).toEqual(global)
    for (const kind of ['override', 'content', 'room', 'sender', 'underride'])
      expect(must(await alice.get(`/pushrules/global/${kind}/`)).body).toEqual(global[kind])
    expect(must(await alice.get('/pushrules/global/postcontent/')).body).toEqual([])
  })

  it('answers any attribute of a rule', async () => {
    must(await put('content', 'cake', { actions: ['notify'], pattern: 'cake*' }))
    expect((await alice.get(rule('content', 'cake', '/pattern'))).body).toEqual({ pattern: 'cake*' })
    expect((await alice.get(rule('content', 'cake', '/default'))).body).toEqual({ default: false })
  })

  const unrecognised = [400, 'M_UNRECOGNIZED']
  it.each([
    ['GET', '/pushrules/device/', unrecognised],
    ['GET', '/pushrules/device/content/cake', unrecognised],
    ['GET', '/pushrules/global/content', unrecognised],
    ['GET', '/pushrules/global/strange/', unrecognised],
    ['GET', '/pushrules/global/constructor/', unrecognised],
    ['GET', '/pushrules/global/strange/cake', unrecognised],
    ['GET', '/pushrules/global/strange/cake/enabled', unrecognised],
    ['GET', '/pushrules/global/content/cake/strange', unrecognised],
    ['GET', '/pushrules/global/content/cake/toString', unrecognised],
    ['GET', '/pushrules/global/content/cake/enabled/more', unrecognised],
    ['GET', '/pushrules/global/content/none/enabled', [404, 'M_NOT_FOUND']],
    ['GET', '/pushrules/global/content/none', [404, 'M_NOT_FOUND']],
    ['PUT', '/pushrules/device/content/cake', unrecognised],
    ['PUT', '/pushrules/global/content', unrecognised],
    ['PUT', '/pushrules/global/content/', unrecognised],
    ['PUT', '/pushrules/global//cake', unrecognised],
    ['PUT', '/pushrules/global/strange/cake', [400, 'M_INVALID_PARAM']],
    ['PUT', '/pushrules/global/content/cake/strange', unrecognised],
    ['DELETE', '/pushrules/device/content/cake', unrecognised],
    ['DELETE', '/pushrules/global/content/', unrecognised],
    ['DELETE', '/pushrules/global/strange/cake', [404, 'M_NOT_FOUND']],
    ['DELETE', '/pushrules/global/content/none', [404, 'M_NOT_FOUND']],
  ])('%s %s is answered as other servers answer it', async (method, path, expected) => {
    must(await put('content', 'cake', { actions: ['notify'], pattern: 'cake' }))
    const body = method === 'PUT' ? { actions: [], pattern: 'x' } : undefined
    expect(failure(await http.request(method, path, body, { token: alice.token }))).toEqual(expected)
    expect((await alice.get(rule('content', 'cake'))).body.pattern).toBe('cake')
    expect((await http.request(method, path, body)).status).toBe(401)
  })
})

describe('the size of rules', () => {
  const long = 'ä'.repeat(513)
  const condition = (fields: Body) => ({ kind: 'event_match', key: 'content.body', pattern: 'x', ...fields })
  it.each([
    ['a pattern', 'content', 'x', { pattern: long, actions: [] }, [400, 'M_INVALID_PARAM']],
    [
      'the pattern of a condition',
      'override',
      'x',
      { conditions: [condition({ pattern: long })] },
      [400, 'M_INVALID_PARAM'],
    ],
    ['a path', 'underride', 'x', { conditions: [condition({ key: long })] }, [400, 'M_INVALID_PARAM']],
    ['a value', 'override', 'x', { conditions: [condition({ value: long })] }, [400, 'M_INVALID_PARAM']],
    ['an id', 'sender', long, {}, [400, 'M_INVALID_PARAM']],
    [
      'a number of conditions',
      'override',
      'x',
      { conditions: Array(65).fill(condition({})) },
      [400, 'M_INVALID_PARAM'],
    ],
    ['a number of actions', 'room', 'x', { actions: Array(65).fill('notify') }, [400, 'M_INVALID_PARAM']],
    [
      'a rule',
      'override',
      'x',
      { conditions: [condition({ more: 'x'.repeat(9_000) })] },
      [413, 'M_TOO_LARGE'],
    ],
  ])('bounds %s', async (_, kind, id, body, expected) => {
    expect(failure(await put(kind, id, { actions: [], ...body }))).toEqual(expected)
    expect(await own(kind)).toEqual([])
  })

  it('is bounded for the actions that any rule is given', async () => {
    const actions = [{ set_tweak: 'sound', value: 'x'.repeat(9_000) }]
    const path = rule('underride', '.m.rule.message', '/actions')
    expect(failure(await alice.put(path, { actions }))).toEqual([413, 'M_TOO_LARGE'])
    expect((await alice.get(path)).body).toEqual({ actions: ['notify'] })
  })

  it('is bounded for all together, and allows removing rules', async () => {
    const big = (n: number) => ({
      actions: [],
      conditions: Array(10).fill(condition({ n, pattern: 'x'.repeat(700) })),
    })
    let answer = await put('override', 'r0', big(0))
    let stored = 0
    for (; answer.status === 200 && stored < 100; stored += 1)
      answer = await put('override', `r${stored + 1}`, big(stored))
    expect(failure(answer)).toEqual([413, 'M_TOO_LARGE'])
    expect(await own('override')).toHaveLength(stored)
    must(await alice.put(rule('override', 'r0', '/enabled'), { enabled: false }))
    must(await alice.delete(rule('override', 'r1')))
    must(await put('override', 'again', big(1)))
  })
})

describe('any rule', () => {
  const master = '.m.rule.master'

  it('is enabled and disabled, and says which', async () => {
    expect((await alice.get(rule('override', master, '/enabled'))).body).toEqual({ enabled: false })
    must(await alice.put(rule('override', master, '/enabled'), { enabled: true }))
    expect((await alice.get(rule('override', master, '/enabled'))).body).toEqual({ enabled: true })
    expect((await alice.get(rule('override', master))).body).toMatchObject({ default: true, enabled: true })
  })

  it('is given other actions', async () => {
    const actions = ['notify', { set_tweak: 'highlight' }]
    must(await alice.put(rule('underride', '.m.rule.message', '/actions'), { actions }))
    expect((await alice.get(rule('underride', '.m.rule.message', '/actions'))).body).toEqual({ actions })
  })

  it('accepts the actions that no longer mean anything', async () => {
    for (const action of ['dont_notify', 'coalesce']) {
      must(await put('room', '!old', { actions: [action] }))
      expect((await alice.get(rule('room', '!old', '/actions'))).body).toEqual({ actions: [action] })
    }
  })

  it('must exist, and the server’s own cannot be deleted', async () => {
    const paths = [rule('room', 'none', '/enabled'), rule('room', 'none', '/actions'), rule('room', 'none')]
    for (const path of paths) expect(failure(await alice.get(path))).toEqual([404, 'M_NOT_FOUND'])
    const changes = [{ enabled: true }, { actions: [] }]
    for (const [i, body] of changes.entries()) {
      expect(failure(await alice.put(paths[i] ?? '', body))).toEqual([404, 'M_NOT_FOUND'])
    }
    expect(failure(await alice.delete(rule('room', 'none')))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await alice.delete(rule('override', master)))).toEqual([404, 'M_NOT_FOUND'])
    must(await alice.get(rule('override', master)))
  })

  it('is news in sync when it changes', async () => {
    const { next_batch } = (await alice.sync()).body
    const waiting = alice.sync({ since: next_batch, timeout: 10_000 })
    must(await put('room', '!muted', { actions: [] }))
    const [event] = (await waiting).body.account_data.events
    expect(event.type).toBe('m.push_rules')
    expect(event.content.global.room).toHaveLength(1)
    expect(event.content.global.override[0].rule_id).toBe(master)
  })

  it('keeps its changes when the process ends, in its place among the default ones', async () => {
    const quiet = rule('underride', '.m.rule.message')
    must(await alice.put(`${quiet}/actions`, { actions: [] }))
    must(await alice.put(`${rule('override', '.m.rule.reaction')}/enabled`, { enabled: false }))
    const [override, underride] = [await ids('override'), await ids('underride')]
    await server.restart()
    expect((await alice.get(quiet)).body).toMatchObject({ default: true, enabled: true, actions: [] })
    expect((await alice.get(rule('override', '.m.rule.reaction'))).body).toMatchObject({ enabled: false })
    expect([await ids('override'), await ids('underride')]).toEqual([override, underride])
  })

  it.each([
    ['override', '.m.rule.contains_display_name'],
    ['override', '.m.rule.roomnotif'],
    ['content', '.m.rule.contains_user_name'],
  ])('of before mentions is there, and can be changed: %s %s', async (kind, id) => {
    expect((await alice.get(rule(kind, id))).body).toMatchObject({ default: true, enabled: true })
    must(await alice.put(rule(kind, id, '/enabled'), { enabled: false }))
    must(await alice.put(rule(kind, id, '/actions'), { actions: [] }))
    expect((await alice.get(rule(kind, id))).body).toMatchObject({ enabled: false, actions: [] })
  })

  it('cannot be set as account data', async () => {
    const answer = await alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/m.push_rules`, {})
    expect(answer.status).toBe(405)
  })
})
