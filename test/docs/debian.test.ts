/** The page on Debian, followed block by block as one script, below a folder of its own. */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { inPath } from '../../local/stack/programs.ts'
import { readCertificates, trust } from '../../local/tls.ts'
import { api, must } from '../support/client.ts'
import {
  freePort,
  needing,
  postgresPrograms,
  type RealServer,
  redisProgram,
  startPostgres,
} from '../support/real-servers.ts'

const page = readFileSync(join(projectRoot, 'docs', 'debian.md'), 'utf8')

const STAND_INS = join(projectRoot, 'test', 'docs', 'debian-stand-ins.sh')

/** What the page tells to run, in its order. */
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!)

/** The folders that the page writes to. */
const PLACES = ['/etc/', '/srv/selvedge', '/var/lib/selvedge', '/var/backups/selvedge']

const lacking = [
  ['nginx', inPath('nginx')],
  ['postgresql', postgresPrograms],
  ['redis-server', redisProgram],
  ['git', inPath('git')],
].find(([, path]) => path === undefined)?.[0]

describe.skipIf(lacking !== undefined)(
  needing('docs/debian.md', lacking === undefined ? 'all' : undefined, lacking ?? ''),
  () => {
    const root = mkdtempSync('/tmp/selvedge-debian-')
    let postgres: RealServer
    let ports: Ports
    let said: string

    beforeAll(async () => {
      chmodSync(root, 0o755)
      postgres = await startPostgres()
      ports = {
        server: await freePort(),
        https: await freePort(),
        redis: await freePort(),
        postgres: Number(new URL(postgres.url).port),
      }
      for (const folder of [
        'etc/redis',
        'etc/nginx/conf.d',
        'etc/systemd/system',
        'srv',
        'var/lib',
        'var/backups',
      ])
        mkdirSync(join(root, folder), { recursive: true })
      const redis = `bind 127.0.0.1\nport ${ports.redis}\nsave ""\ndir ${root}\n`
      writeFileSync(join(root, 'etc/redis/redis.conf'), redis)
      said = await bash(root, ports, blocks.map((block) => here(block, root)).join('\n'))
    }, 240_000)
    afterAll(async () => {
      await bash(root, ports, 'stop_all')
      await postgres?.stop()
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    }, 60_000)

    it('brings up a server behind nginx, whose administrator logs in', async () => {
      const password = /password[^:\n]*: *(\S+)/i.exec(said)?.[1]
      trust(readCertificates(join(root, 'etc/letsencrypt/live/matrix.example.org/fullchain.pem')))
      const http = api({ url: `https://127.0.0.1:${ports.https}` })
      const user = { type: 'm.id.user', user: 'admin' }
      const answer = await http.request('POST', '/login', {
        type: 'm.login.password',
        identifier: user,
        password,
      })
      expect(must(answer).body.user_id).toBe('@admin:example.org')
    })

    it('gives nginx a site that it takes, and units in which nothing is wrong', () => {
      expect(said).toContain('nginx: it takes the site')
      expect(said).toContain('systemd: nothing is wrong with the units')
    })

    it('makes a backup, and restores it beside the server', () => {
      expect(said).toContain('backed up example.org to ')
      expect(said).toContain('restored example.org as of ')
      expect(existsSync(join(root, 'var/lib/selvedge/restored/keys.json'))).toBe(true)
    })
  },
)

interface Ports {
  server: number
  https: number
  redis: number
  postgres: number
}

/** The text of a block with its places moved below the folder, and databases where they are here. */
function here(block: string, root: string): string {
  const moved = PLACES.reduce((text, place) => text.replaceAll(place, `${root}${place}`), block)
  return moved
    .replaceAll('@127.0.0.1/selvedge', '@127.0.0.1:$POSTGRES/selvedge')
    .replaceAll('@127.0.0.1/0', '@127.0.0.1:$REDIS/0')
}

/** Runs a script with what stands for systemd, apt, certbot and the users of a whole machine. Answers what was said. */
async function bash(root: string, ports: Ports, script: string): Promise<string> {
  const file = join(root, 'page.sh')
  writeFileSync(file, `set -euo pipefail\n. '${STAND_INS}'\n${script}\n`)
  const env = {
    PATH: `${process.env.PATH}:/usr/sbin:${postgresPrograms}`,
    HOME: root,
    ROOT: root,
    CHECKOUT: projectRoot,
    SOURCE: projectRoot,
    SERVER: String(ports.server),
    HTTPS: String(ports.https),
    REDIS: String(ports.redis),
    POSTGRES: String(ports.postgres),
  }
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', [file], { env, cwd: root })
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`the page fails: ${stdout}${stderr}`)
  }
}
