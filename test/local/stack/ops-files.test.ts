/** The files for Debian and for Docker say what the stack says, and programs that read them find no mistake in them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readOptions } from '../../../local/options/options.ts'
import { projectRoot } from '../../../local/paths.ts'
import { inPath } from '../../../local/stack/programs.ts'
import { BY_DEFAULT } from '../../../local/stack/service.ts'
import { kafkaSink } from '../../../local/stack/services/kafka-sink.ts'
import { siteOf } from '../../../local/stack/services/nginx.ts'
import { SETTINGS as POSTGRES } from '../../../local/stack/services/postgres.ts'
import { configOf } from '../../../local/stack/services/prometheus.ts'
import { SETTINGS as REDIS } from '../../../local/stack/services/redis.ts'
import { ADDRESS_HEADER } from '../../../local/stack/services/selvedge.ts'
import { newState } from '../../../local/stack/state.ts'
import { needing } from '../../support/real-servers.ts'

const ops = (...path: string[]) => join(projectRoot, 'ops', ...path)
const read = (...path: string[]) => readFileSync(ops(...path), 'utf8')

const folder = mkdtempSync(join(tmpdir(), 'selvedge-ops-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const letsEncrypt = '/etc/letsencrypt/live/matrix.example.org'
const SITES = {
  'selvedge.conf': {
    listen: '443',
    serverName: 'matrix.example.org',
    upstream: '127.0.0.1:8008',
    tls: { cert: `${letsEncrypt}/fullchain.pem`, key: `${letsEncrypt}/privkey.pem` },
  },
  'compose.conf': {
    listen: '443',
    serverName: '_',
    upstream: 'selvedge:8008',
    tls: { cert: '/etc/nginx/tls/cert.pem', key: '/etc/nginx/tls/key.pem' },
  },
}

describe('ops', () => {
  it.each(Object.entries(SITES))("nginx/%s is the stack's own site", async (name, site) => {
    await expect(siteOf(site)).toMatchFileSnapshot(ops('nginx', name))
  })

  it('the page on operation shows the same site', () => {
    const page = readFileSync(join(projectRoot, 'docs', 'operation.md'), 'utf8')
    const [, shown] = /```nginx\n([\s\S]*?)```/.exec(page) ?? []
    expect(shown).toBe(read('nginx', 'selvedge.conf'))
  })

  it("prometheus-compose.json is the stack's own configuration", () => {
    const authorization = { credentials_file: '/run/secrets/metrics' }
    const config = configOf({
      target: 'selvedge:8008',
      rules: ['/etc/prometheus/rules/*.yml'],
      authorization,
    })
    expect(JSON.parse(read('prometheus-compose.json'))).toEqual(JSON.parse(config))
  })

  it('compose.yaml has the services of the stack, set as there, and opens nginx alone', () => {
    const { services } = parse(read('compose.yaml'))
    expect(Object.keys(services).sort()).toEqual([...BY_DEFAULT].sort())
    for (const name of ['max_connections', 'shared_buffers'])
      expect(services.postgres.command).toContain(`${name}=${POSTGRES[name]}`)
    for (const name of ['appendonly', 'maxmemory', 'maxmemory-policy']) {
      const { command } = services.redis
      expect(command[command.indexOf(`--${name}`) + 1]).toBe(REDIS[name])
    }
    for (const [name, { ports = [] }] of Object.entries<{ ports?: string[] }>(services)) {
      if (name !== 'nginx') expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    }
    expect(services.nginx.volumes[0]).toBe('./nginx/compose.conf:/etc/nginx/conf.d/default.conf:ro')
  })

  it('compose.yaml starts the server with options that it takes', () => {
    const { environment } = parse(read('compose.yaml')).services.selvedge
    const values = Object.entries<string>(environment).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{(\w+)(:\?)?\}/g, (_, name) =>
        name === 'SERVER_NAME' ? 'example.org' : 'x'.repeat(20),
      ),
    ])
    const options = readOptions([], Object.fromEntries(values))
    expect(options).toMatchObject({
      port: '8008',
      'client-address-header': ADDRESS_HEADER,
      registration: 'token',
    })
  })

  it('the unit runs what the stack runs', () => {
    const [, words = ''] = /^ExecStart=(.*)$/m.exec(read('systemd', 'selvedge.service')) ?? []
    const command: string[] = parse(read('compose.yaml')).services.selvedge.command
    expect(words.replace('/srv/selvedge/', '').split(' ')).toEqual(command)
  })
})

describe('the unit of the sink to Kafka', () => {
  const [, words = ''] = /^ExecStart=(.*)$/m.exec(read('systemd', 'selvedge-kafka.service')) ?? []
  const [program, ...args] = words.split(' ')

  it('runs what the stack runs', () => {
    const state = newState(['kafka'])
    Object.assign(state.ports, { kafka: 9092, selvedge: 8008 })
    mkdirSync(join(folder, 'stack', 'kafka-sink'), { recursive: true })
    writeFileSync(join(folder, 'stack', 'kafka-sink', 'token.json'), '{"id":"a","token":"b"}')
    const ours = kafkaSink.command({ folder: join(folder, 'stack'), state }, {})
    expect(program).toBe('/srv/selvedge/node_modules/.bin/node')
    expect(args.slice(0, 4)).toEqual(ours.args.slice(0, 4).map((word) => word.replace(projectRoot, '')))
    expect(Object.keys(ours.env ?? {})).toEqual(['STREAM_TOKEN'])
    const names = (list: string[]) => list.filter((word) => word.startsWith('--'))
    expect(names(ours.args)).toEqual(expect.arrayContaining(names(args)))
  })
})

const docker = inPath('docker')
const compose =
  docker !== undefined && spawnSync(docker, ['compose', 'version']).status === 0 ? docker : undefined

describe.skipIf(compose === undefined)(needing('docker compose', compose, 'docker-compose-plugin'), () => {
  it('reads compose.yaml', () => {
    const env = { ...process.env, POSTGRES_PASSWORD: 'a', REDIS_PASSWORD: 'b', SERVER_NAME: 'example.org' }
    execFileSync(compose!, ['compose', '-f', ops('compose.yaml'), 'config', '--quiet'], {
      env,
      stdio: 'pipe',
    })
  })
})

const analyze = inPath('systemd-analyze')

describe.skipIf(analyze === undefined)(needing('systemd-analyze', analyze, 'systemd'), () => {
  it('finds nothing wrong in the units, whose programs are in place', () => {
    const units = join(folder, 'units')
    mkdirSync(units)
    const names = readdirSync(ops('systemd'))
    for (const name of names) {
      cpSync(ops('systemd', name), join(units, name))
      const here = read('systemd', name).replaceAll('/srv/selvedge', projectRoot.replace(/\/$/, ''))
      writeFileSync(join(units, name), here)
    }
    const ran = spawnSync(analyze!, ['verify', '--man=no', ...names.map((name) => join(units, name))], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${units}:` },
    })
    // What the machine's own units are told is not about ours.
    const ours = ran.stderr.split('\n').filter((line) => line.includes('selvedge'))
    expect([ran.status, ours]).toEqual([0, []])
  })
})
