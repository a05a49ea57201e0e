/** What clients ask before they log in, and just after. */
import { describe, expect, it } from 'vitest'
import { serving } from '../support/serving.ts'

const { http, alice } = serving(['alice'], { 'public-url': 'https://matrix.test.example' })

describe('/versions', () => {
  it('lists every version by itself', async () => {
    const { body } = await http.request('GET', '/_matrix/client/versions')
    const old = ['r0.0.1', 'r0.1.0', 'r0.2.0', 'r0.3.0', 'r0.4.0', 'r0.5.0', 'r0.6.0', 'r0.6.1']
    const recent = Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`)
    expect(body.versions).toEqual([...old, ...recent])
  })

  it('names features as booleans', async () => {
    const { body } = await http.request('GET', '/_matrix/client/versions')
    for (const value of Object.values(body.unstable_features)) expect(value).toBeTypeOf('boolean')
  })
})

describe('/capabilities', () => {
  it('needs a token', async () => {
    const { status, body } = await http.request('GET', '/capabilities')
    expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN'])
  })

  it('tells the room versions and what can be changed', async () => {
    const { body } = await alice.get('/capabilities')
    expect(body.capabilities['m.room_versions']).toMatchObject({
      default: '12',
      available: { 3: 'stable', 12: 'stable', 'org.matrix.msc3757.11': 'unstable' },
    })
    expect(body.capabilities['m.change_password']).toEqual({ enabled: true })
  })
})

describe('/.well-known/matrix', () => {
  it('points clients to the public URL', async () => {
    const { body } = await http.request('GET', '/.well-known/matrix/client')
    expect(body).toEqual({
      'm.homeserver': { base_url: 'https://matrix.test.example' },
      'org.matrix.msc3814': true,
    })
  })

  it('points servers to the port where the Worker listens', async () => {
    const { body } = await http.request('GET', '/.well-known/matrix/server')
    expect(body).toEqual({ 'm.server': 'matrix.test.example:443' })
  })

  it('knows no support contacts until the operator names them', async () => {
    const { status, body } = await http.request('GET', '/.well-known/matrix/support')
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  })
})

describe('what is not configured', () => {
  it.each(['/voip/turnServer', '/thirdparty/protocols'])('is an empty object on %s', async (path) => {
    const { status, body } = await alice.get(path)
    expect([status, body]).toEqual([200, {}])
  })

  it('is an unknown path where clients fall back on exactly that', async () => {
    const { status, body } = await alice.get('/_matrix/client/unstable/org.matrix.msc4143/rtc/transports')
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  })
})

describe('/pushrules', () => {
  it.each(['/pushrules/', '/pushrules'])('lists the predefined rules on %s', async (path) => {
    const { body } = await alice.get(path)
    expect(Object.keys(body.global)).toEqual(
      expect.arrayContaining(['override', 'content', 'room', 'sender', 'underride']),
    )
    expect(body.global.override[0]).toMatchObject({
      rule_id: '.m.rule.master',
      enabled: false,
      default: true,
    })
  })

  it('lists the global scope alone', async () => {
    const { body } = await alice.get('/pushrules/global/')
    expect(body).toEqual((await alice.get('/pushrules/')).body.global)
  })

  it('tells one rule', async () => {
    const { body } = await alice.get('/pushrules/global/underride/.m.rule.message')
    expect(body).toMatchObject({ rule_id: '.m.rule.message', actions: ['notify'] })
  })

  it('does not know a rule that is not there', async () => {
    const { status, body } = await alice.get('/pushrules/global/override/nothing')
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })
})
