/**
 * Makes `test/fixtures/earlier-server.tar.gz`: the data folder of an earlier version, with what its clients were
 * answered. Run it in a checkout of that version, with that version's packages; 1846604 made the one at hand:
 *
 *     git worktree add ../earlier 1846604
 *     cp -r test/upgrade ../earlier/test/
 *     (cd ../earlier && npm ci && node_modules/.bin/node test/upgrade/make.ts)
 *     cp ../earlier/test/fixtures/earlier-server.tar.gz test/fixtures/
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openEmbedded } from '../../local/postgres/embedded.ts'
import { fill } from './fill.ts'
import { readings } from './readings.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-earlier-'))
const data = join(folder, 'data')
const args = {
  'data-dir': data,
  port: '0',
  'server-name': 'earlier.example',
  registration: 'open',
  'allow-open-registration': 'yes',
  'password-cost': 'low',
  'rate-limits': 'off',
  'log-level': 'error',
  'archive-delay-ms': '50',
}

const main = fileURLToPath(new URL('../../local/main.ts', import.meta.url))
const server = spawn(process.execPath, [
  main,
  ...Object.entries(args).map(([name, value]) => `--${name}=${value}`),
])
server.stderr.pipe(process.stderr)
const url = await readyAt()
const filled = await fill(url)
const answers = await readings(url, filled)
// What is archived is on its way for a moment after the last answer.
await new Promise((resolve) => setTimeout(resolve, 3000))
server.kill('SIGTERM')
await once(server, 'exit')

await dumpPostgres()
rmSync(join(data, 'postgres'), { recursive: true })
rmSync(join(data, 'lock'), { force: true })
writeFileSync(join(folder, 'filled.json'), JSON.stringify(filled, null, 2))
writeFileSync(join(folder, 'answers.json'), JSON.stringify(answers, null, 2))
const archive = fileURLToPath(new URL('../fixtures/earlier-server.tar.gz', import.meta.url))
mkdirSync(dirname(archive), { recursive: true })
execFileSync('sh', ['-c', `tar -C '${folder}' -cf - . | gzip -9 > '${archive}'`])
rmSync(folder, { recursive: true })
process.exit(0)

/** Where the server says that it is. */
async function readyAt(): Promise<string> {
  for await (const line of createInterface({ input: server.stdout })) {
    const ready = /ready: (http:.*)/.exec(line)
    if (ready) return ready[1]!
  }
  throw new Error('the earlier server did not start')
}

/** All rows as text: the folder of an embedded Postgres is mostly what every database begins with. */
async function dumpPostgres(): Promise<void> {
  const database = await openEmbedded(join(data, 'postgres'))
  mkdirSync(join(folder, 'tables'))
  await database.use(async (connection) => {
    const { rows: tables } = await connection.query(
      `select table_name from information_schema.tables where table_schema = 'public' order by 1`,
    )
    for (const [table] of tables) {
      const { rows } = await connection.query(`select row_to_json(t)::text from "${table}" t`)
      const text = rows.map(([row]) => `${row}\n`).join('')
      if (text !== '') writeFileSync(join(folder, 'tables', `${table}.jsonl`), text)
    }
  })
  await database.close()
}
