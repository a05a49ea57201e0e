/** `npm start` as a process: what it prints, refuses, keeps, and leaves behind. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { api, type Body, must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/real-servers.ts'

const scratch = mkdtempSync(join(tmpdir(), 'selvedge-launcher-'))
const started = new Set<Launched>()

afterEach(async () => {
  for (const launched of started) await launched.end('SIGKILL')
  started.clear()
})
afterAll(() => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }))

interface Launched {
  child: ChildProcess
  output(): string
  /** The addresses it printed. @throws Error when it ended instead */
  ready(): Promise<string[]>
  /** Sends a signal and answers the exit code once it is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>
  exited: Promise<number | null>
}

/** Without the variables by which a test run would tell the launcher what it is. */
function cleanEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, npm_lifecycle_event: __, MINIFLARE_WORKERD_PATH: ___, ...env } = process.env
  return env
}

function launch(
  args: string[],
  { node = process.execPath, script = 'local/start.mjs', cwd = projectRoot } = {},
): Launched {
  const child = spawn(node, [join(projectRoot, script), ...args], {
    cwd,
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const note = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', note)
  child.stderr.on('data', note)
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const launched: Launched = {
    child,
    output: () => output,
    async ready() {
      const isReady = () => output.includes('Selvedge is ready')
      await eventually(
        () => output,
        () => isReady() || child.exitCode !== null,
        Number.POSITIVE_INFINITY,
      )
      if (!isReady()) throw new Error(`ended with ${child.exitCode}: ${output}`)
      return [...output.matchAll(/Selvedge is ready: (\S+)/g)].map(([, url]) => url!)
    },
    async end(signal) {
      child.kill(signal)
      return exited
    },
    exited,
  }
  started.add(launched)
  return launched
}

const start = (name: string, ...args: string[]) =>
  launch(['--port', '0', '--password-cost', 'low', '--data-dir', join(scratch, name), ...args])

async function ended(args: string[], script?: string): Promise<{ code: number | null; lines: string[] }> {
  const launched = launch(args, { script })
  const code = await launched.exited
  return { code, lines: launched.output().trim().split('\n') }
}

/** Processes below one, found while it lives. */
function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const below = (parent: number): number[] =>
    pairs.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

describe('the launcher', () => {
  it('prints its options', async () => {
    const { code, lines } = await ended(['--help'])
    expect(code).toBe(0)
    expect(lines[0]).toBe('Usage: npm start -- [options]')
  })

  it('refuses wrong options with one line', async () => {
    expect(await ended(['--bogus'])).toEqual({
      code: 2,
      lines: ['selvedge: unknown option --bogus (see --help)'],
    })
  })

  it('names what is missing or misconfigured, in one line', async () => {
    const data = ['--port', '0', '--data-dir', join(scratch, 'refused')]
    const broken = join(scratch, 'broken.pem')
    writeFileSync(broken, 'not a certificate')
    const tls = (cert: string) => ['--https-port', '0', '--tls-cert', cert, '--tls-key', broken]
    const cases: [string[], RegExp][] = [
      [
        [...data, '--database-url', 'postgres://u:hunter2@127.0.0.1:1/d'],
        /^selvedge: Postgres at 127\.0\.0\.1:1 \(--database-url\) cannot be used: .*ECONNREFUSED/,
      ],
      [
        [...data, '--redis-url', 'redis://:hunter2@127.0.0.1:1'],
        /^selvedge: Redis at 127\.0\.0\.1:1 \(--redis-url\) cannot be used: .*ECONNREFUSED/,
      ],
      [[...data, ...tls('/nowhere.pem')], /^selvedge: --tls-cert cannot be read: ENOENT/],
      [[...data, ...tls(broken)], /^selvedge: --tls-cert .*broken\.pem and --tls-key .* cannot be used/],
      [[...data, '--ca', '/nowhere.pem'], /^selvedge: --ca cannot be read: ENOENT/],
      [[...data, '--host', '192.0.2.1'], /^selvedge: --host 192\.0\.2\.1 is not an address of this machine/],
      [[...data, '--ca', broken], /^selvedge: --ca .*broken\.pem holds no certificate in PEM form/],
      [
        ['--port', '0', '--data-dir', '/proc/x/y'],
        /^selvedge: --data-dir \/proc\/x\/y cannot be made: ENOENT/,
      ],
      [['--port', '0', '--data-dir', join(broken, 'x')], /^selvedge: --data-dir .* cannot be made: ENOTDIR/],
    ]
    for (const [args, line] of cases) {
      const { code, lines } = await ended(args)
      expect(lines).toEqual([expect.stringMatching(line)])
      expect(lines[0]).not.toContain('hunter2')
      expect(code).toBe(1)
    }
  })

  it('warns of a data folder inside the checkout, which git clean would delete', async () => {
    const folder = join(projectRoot, 'test', 'fixtures', 'a-data-folder')
    try {
      const { lines } = await ended(['--data-dir', folder, '--ca', join(scratch, 'nowhere')])
      expect(lines).toEqual([
        expect.stringContaining(`the data folder ${folder} is inside the checkout`),
        expect.stringContaining('--ca cannot be read'),
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('runs two servers side by side, and refuses a third on the port and the folder of one', async () => {
    const [one, two] = [start('one'), start('two', '--host', '127.0.0.3', '--server-name', 'two.example')]
    const [[urlOne], [urlTwo]] = await Promise.all([one.ready(), two.ready()])
    const alice = await api({ url: urlOne! }).register('alice')
    const other = await api({ url: urlTwo! }).register('alice')
    expect([alice.userId, other.userId]).toEqual(['@alice:localhost', '@alice:two.example'])
    const port = new URL(urlOne!).port
    expect(await ended(['--port', port, '--data-dir', join(scratch, 'three')])).toEqual({
      code: 1,
      lines: [`selvedge: --port ${port} is in use on 127.0.0.1`],
    })
    const folder = join(scratch, 'one')
    const line = `selvedge: --data-dir ${folder} is in use by another Selvedge`
    expect(await ended(['--port', '0', '--data-dir', folder])).toEqual({ code: 1, lines: [line] })
    expect(await ended(['--data-dir', folder], 'local/commands/migrate.ts')).toEqual({
      code: 1,
      lines: [line],
    })
  })

  it('migrates the database of a folder once, before any server has run on it', async () => {
    const folder = ['--data-dir', join(scratch, 'migrated')]
    const first = await ended(folder, 'local/commands/migrate.ts')
    expect(first.code).toBe(0)
    expect(first.lines[0]).toMatch(/^applied 0001_/)
    expect(await ended(folder, 'local/commands/migrate.ts')).toEqual({ code: 0, lines: ['nothing to apply'] })
    await start('migrated').ready()
  })

  it('ends cleanly at SIGTERM and SIGINT, and has everything at the next start', async () => {
    const first = start('kept')
    const [url] = await first.ready()
    const alice = await api({ url: url! }).register('alice')
    const room = await alice.createRoom({ name: 'kept' })
    await alice.say(room, 'still here')
    expect(await first.end('SIGTERM')).toBe(0)

    const second = start('kept')
    const [urlAgain] = await second.ready()
    const again = api({ url: urlAgain! }).as(alice)
    const { body } = must(await again.get(`/rooms/${room}/messages`, { dir: 'b', limit: 1 }))
    expect(body.chunk[0].content.body).toBe('still here')
    await expect(api({ url: urlAgain! }).register('alice')).rejects.toThrow('M_USER_IN_USE')
    expect(await second.end('SIGINT')).toBe(0)
  })

  it('leaves nothing running when it is killed, and loses nothing that was acknowledged', async () => {
    const first = start('killed')
    const [url] = await first.ready()
    const alice = await api({ url: url! }).register('alice')
    const room = await alice.createRoom()
    const eventId = await alice.say(room, 'before the fall')
    const below = descendants(first.child.pid!)
    expect(below.length).toBeGreaterThan(0)
    await first.end('SIGKILL')
    await expect.poll(() => below.filter(alive), { timeout: 5_000 }).toEqual([])
    await expect(fetch(`${url}/health`)).rejects.toThrow()

    const second = start('killed')
    const [urlAgain] = await second.ready()
    const answer = await api({ url: urlAgain! })
      .as(alice)
      .get(`/rooms/${room}/event/${encodeURIComponent(eventId)}`)
    expect(must(answer).body.content.body).toBe('before the fall')
    await second.end('SIGTERM')
  })

  it('serves TLS beside plain HTTP, and there tells a client that waits with its body to go on', async () => {
    const [key, cert] = [join(scratch, 'key.pem'), join(scratch, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', key, '-out', cert]
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files],
      { stdio: 'ignore' },
    )
    const port = await freePort()
    const launched = start('tls', '--https-port', String(port), '--tls-cert', cert, '--tls-key', key)
    const urls = await launched.ready()
    await expect.poll(launched.output, { timeout: 5_000 }).toContain('https://')
    expect(urls[0]).toMatch(/^http:/)
    // All of 127.0.0.0/8 is this machine's, where the system is Linux.
    const localAddress = process.platform === 'linux' ? '127.0.0.9' : '127.0.0.1'
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(cert), localAddress })
    const ask = (method: string, path: string, body = {}, token = '') =>
      new Promise<{ status?: number; body: Body }>((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': '198.51.100.9' }
        const options = { method, agent, headers: token === '' ? {} : headers }
        const asked = request(`https://127.0.0.1:${port}${path}`, options, async (answer) => {
          resolve({ status: answer.statusCode, body: await json(answer) })
        })
        asked.once('error', reject).end(method === 'GET' ? undefined : JSON.stringify(body))
      })
    expect((await ask('GET', '/health')).status).toBe(200)
    // Whose connection it is, is told in front of it, for all its requests.
    const registration = { username: 'tessa', password: 'secret-secret', auth: { type: 'm.login.dummy' } }
    const { body } = await ask('POST', '/_matrix/client/v3/register', registration)
    const { devices } = (await ask('GET', '/_matrix/client/v3/devices', {}, body.access_token)).body
    expect(devices[0].last_seen_ip).toBe(localAddress)
    // Sends nothing of its body before it is told to go on, on a connection that has been used.
    const held = new Promise<Body>((resolve, reject) => {
      const headers = { expect: '100-continue', authorization: `Bearer ${body.access_token}` }
      const options = { method: 'POST', agent, headers }
      const url = `https://127.0.0.1:${port}/_matrix/media/v3/upload`
      const asked = request(url, options, async (answer) => resolve((await json(answer)) as Body))
      asked
        .once('error', reject)
        .once('continue', () => asked.end('a file'))
        .flushHeaders()
    })
    expect(await held).toMatchObject({ content_uri: expect.stringMatching(/^mxc:/) })
    agent.destroy()
    expect(await launched.end('SIGTERM')).toBe(0)
  })
})

const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find(
  (path) => existsSync(path) && /^v2[0-3]\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })),
)

describe.skipIf(!oldNode)(
  `under the machine's own older Node${oldNode ? '' : ' (skipped: there is none)'}`,
  () => {
    it.each(['SIGTERM', 'SIGKILL'] as const)('ends with all its processes at %s', async (signal) => {
      const launched = launch(['--port', '0', '--data-dir', join(scratch, `old-${signal}`)], {
        node: oldNode!,
      })
      const [url] = await launched.ready()
      expect((await fetch(`${url}/health`)).status).toBe(200)
      const below = descendants(launched.child.pid!)
      expect(below.length).toBeGreaterThan(1)
      await launched.end(signal)
      await expect.poll(() => below.filter(alive), { timeout: 5_000 }).toEqual([])
    })
  },
)
