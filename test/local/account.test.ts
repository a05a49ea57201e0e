/** `npm run account` and `npm run reports`, run as operators run them, beside a server that runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, must } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const account = (...args: string[]) => runScript('account', ['--data-dir', server.folder, ...args])
const doTo = ([what, ...args]: string[], input?: string) =>
  runScript('account', [what!, '--data-dir', server.folder, ...args], input)
const reports = (...args: string[]) => runScript('reports', [...args, '--data-dir', server.folder])

describe('npm run account', () => {
  it('lists accounts, and says what is special about each', async () => {
    for (const name of ['anna', 'bert']) await api(server).register(name)
    await doTo(['admin', 'bert'])
    const { code, stdout } = await doTo(['list'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^@anna:test\.example {2}\d{4}-\S+Z$/m)
    expect(stdout).toMatch(/^@bert:test\.example {2}\S+Z {2}admin$/m)
    expect(stdout).toMatch(/^2 accounts$/m)
  })

  it('lists more accounts than one page holds', async () => {
    await server.pg(
      "insert into accounts (localpart, created_ts) select 'many' || n, 1 from generate_series(1, 250) as n",
    )
    const { stdout } = await doTo(['list'])
    expect(stdout.match(/^@many/gm)).toHaveLength(250)
    expect(new Set(stdout.match(/^@many\S+/gm))).toHaveProperty('size', 250)
  })

  it('shows an account and its devices', async () => {
    const carl = await api(server).register('carl', { initial_device_display_name: 'Carl’s phone' })
    const { code, stdout } = await doTo(['show', '@carl:test.example'])
    expect(code).toBe(0)
    expect(stdout).toContain(`device  ${carl.deviceId}  Carl’s phone  last seen `)
    expect(stdout).toMatch(/^1 devices$/m)
  })

  it('sets a password from standard input, and leaves the sessions alone', async () => {
    const dora = await api(server).register('dora')
    const { code, stdout } = await doTo(['set-password', 'dora'], 'a new password\n')
    expect([code, stdout]).toEqual([0, '@dora:test.example has the new password\n'])
    must(await dora.get('/account/whoami'))
    await api(server).login('dora', { password: 'a new password' })
    await expect(api(server).login('dora')).rejects.toThrow('M_FORBIDDEN')
  })

  it('ends the sessions of one device, or all of them', async () => {
    const [one, two] = [await api(server).register('emil'), await api(server).login('emil')]
    expect((await doTo(['logout', 'emil', '--device', one.deviceId])).stdout).toBe(
      '@emil:test.example: 1 devices are logged out\n',
    )
    expect((await one.get('/account/whoami')).status).toBe(401)
    must(await two.get('/account/whoami'))
    expect((await doTo(['logout', 'emil'])).code).toBe(0)
    expect((await two.get('/account/whoami')).status).toBe(401)
  })

  it('makes administrators, and users of them again', async () => {
    const frida = await api(server).register('frida')
    const isAdmin = async () => (await frida.get('/admin/whois/@anna:test.example')).status === 200
    expect(await isAdmin()).toBe(false)
    await doTo(['admin', 'frida'])
    expect(await isAdmin()).toBe(true)
    await doTo(['no-admin', 'frida'])
    expect(await isAdmin()).toBe(false)
  })

  it('deactivates an account for good', async () => {
    const gerd = await api(server).register('gerd')
    expect((await doTo(['deactivate', 'gerd', '--erase'])).stdout).toBe(
      '@gerd:test.example is deactivated, and erased\n',
    )
    expect((await gerd.get('/account/whoami')).status).toBe(401)
    await expect(api(server).login('gerd')).rejects.toThrow()
    const again = await doTo(['set-password', 'gerd'], 'whatever it is')
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringContaining('was deactivated, which cannot be undone'),
    ])
  })

  it.each([
    [[], 2, 'name what to do: list, show, set-password'],
    [['destroy'], 2, 'name what to do: '],
    [['show'], 2, 'name the user: show <user>'],
    [['show', 'anna', 'bert'], 2, 'unexpected argument bert'],
    [['list', 'anna'], 2, 'unexpected argument anna'],
    [['list', '--bogus'], 2, 'unknown option --bogus'],
    [['logout', 'anna', '--device'], 2, '--device needs a value'],
    [['logout', 'anna', '--everyone'], 2, '--everyone is given without a user'],
    [['deactivate', 'anna', '--erase=yes'], 2, '--erase takes no value'],
    [['show', 'nobody'], 1, 'There is no account @nobody:test.example'],
    [['show', '@anna:other.example'], 1, 'refused'],
    [['logout', 'anna', '--device', 'NONE'], 1, '@anna:test.example has no device NONE'],
    [['set-password', 'anna'], 2, 'the password is missing: write it to standard input'],
    [['logout', '--everyone'], 1, 'is in use by another Selvedge'],
    [
      ['list', '--server-name', 'other.example'],
      1,
      '--server-name is other.example, but the data belongs to',
    ],
    [['list', '--port', '10'], 1, 'no server answers at http://127.0.0.1:10: fetch failed: '],
    [['list', '--data-dir', '/nowhere'], 2, '--data-dir is given twice'],
    [['list', '--ca', '/dev/null'], 1, '--ca /dev/null holds no certificate in PEM form'],
  ])('refuses %j with one line and its code', async (args, code, line) => {
    const ran = args.length === 0 ? await account() : await doTo(args)
    expect(ran.stderr).toContain(`selvedge: `)
    expect(ran.stderr).toContain(line)
    expect([ran.stderr.trim().split('\n').length, ran.code]).toEqual([1, code])
  })

  it('says how it is used', async () => {
    for (const args of [['--help'], ['list', '--help']]) {
      const { code, stdout } = await runScript('account', args)
      expect(code).toBe(0)
      for (const word of ['Usage: npm run account -- ', 'set-password <user>', '--data-dir <folder>']) {
        expect(stdout).toContain(word)
      }
    }
  })

  it('is for the operator alone: a user’s token is refused, and so is no token', async () => {
    const anna = await api(server).login('anna')
    for (const [method, path] of [
      ['GET', '/_selvedge/admin/accounts'],
      ['GET', '/_selvedge/admin/accounts/@bert:test.example'],
      ['PUT', '/_selvedge/admin/accounts/@bert:test.example/password'],
      ['PUT', '/_selvedge/admin/accounts/@anna:test.example/admin'],
      ['POST', '/_selvedge/admin/accounts/@bert:test.example/deactivate'],
      ['POST', '/_selvedge/admin/accounts/@bert:test.example/logout'],
      ['GET', '/_selvedge/admin/reports'],
      ['GET', '/_selvedge/admin/reports/1'],
    ] as const) {
      const body = method === 'GET' ? undefined : { password: 'x', admin: true }
      expect((await api(server).request(method, path, body)).status).toBe(401)
      expect((await api(server).request(method, path, body, { token: anna.token })).status).toBe(403)
    }
  })
})

describe('npm run reports', () => {
  it('lists what was reported, newest first, page by page, and shows the event', async () => {
    const [anna, otto] = [await api(server).login('anna'), await api(server).register('otto')]
    const room = await anna.createRoom({ preset: 'public_chat' })
    await otto.join(room)
    const eventId = await anna.say(room, 'something bad')
    for (const reason of ['first', 'second\nline', 'third']) {
      must(await otto.post(`/rooms/${room}/report/${encodeURIComponent(eventId)}`, { reason }))
    }
    const all = (await reports()).stdout.trim().split('\n')
    expect(all).toHaveLength(3)
    expect(all[0]).toContain(`@otto:test.example about ${room} ${eventId}: "third"`)
    expect(all[1]).toContain('"second\\nline"')
    const page = (await reports('list', '--limit', '2')).stdout
    const before = /--before (\d+)/.exec(page)?.[1] ?? ''
    expect((await reports('list', '--before', before)).stdout.trim().split('\n')).toEqual([all[2]])
    const id = all[0]!.split(' ')[0]!
    await expect.poll(async () => (await reports('show', id)).stdout).toContain('something bad')
  })

  it.each([
    [['frame'], 2, 'name what to do: list or show, not frame'],
    [['show'], 2, 'name the report: show <number>'],
    [['show', '999'], 1, 'There is no such report'],
    [['show', 'x'], 1, 'refused'],
    [['list', 'x'], 2, 'unexpected argument x'],
    [['list', '--limit', 'x'], 1, 'refused'],
  ])('refuses %j with one line and its code', async (args, code, line) => {
    const ran = await reports(...args)
    expect(ran.stderr).toContain(line)
    expect([ran.stderr.trim().split('\n').length, ran.code]).toEqual([1, code])
  })
})
