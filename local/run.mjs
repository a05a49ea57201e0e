/** `npm run check|test|test:evicting|test:fuzz|test:clients|test:stores|test:mutants|test:resolution|test:interop|test:complement|stack|migrate|move:postgres|admin:create|account|reports|backup|restore|restored|media:move|rebuild:room|rebuild:user|rebuild:media|rebuild:all|keys:rotate|docs|deploy|smoke|check:production|check:local|bench|load`: installs what is missing, then runs the task under the pinned Node. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { install, pinnedNode, root } from './install.mjs'

const [task = '', ...args] = process.argv.slice(2)
const script = (path, ...more) => [join(root, path), ...more]
const vitestBy = (config, ...more) =>
  script('node_modules/vitest/vitest.mjs', 'run', '--config', config, ...more)
const vitest = (...more) => vitestBy('test/vitest.config.ts', ...more)
const deployment = (...more) =>
  script('node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', temporary(), ...more)
const tsc = (project) => script('node_modules/typescript/bin/tsc', '-p', project)

/** Each task is commands for the pinned Node, run in order until one fails. */
const tasks = {
  test: () => [vitest(...args)],
  'test:evicting': () => [script('test/evicting/run.ts', ...args)],
  'test:fuzz': () => [vitestBy('test/fuzz/vitest.config.ts', ...args)],
  'test:clients': () => [vitestBy('test/clients/vitest.config.ts', ...args)],
  'test:stores': () => [script('test/stores/run.ts', ...args)],
  'test:mutants': () => [script('test/mutants/run.ts', ...args)],
  'test:resolution': () => [script('test/resolution/run.ts', ...args)],
  'test:interop': () => [vitestBy('test/interop/vitest.config.ts', ...args)],
  'test:complement': () => [script('test/complement/run.ts', ...args)],
  stack: () => [script('local/stack/main.ts', ...args)],
  'stream:token': () => [script('local/commands/stream-token.ts', ...args)],
  'stream:kafka': () => [script('local/commands/stream-kafka.ts', ...args)],
  'stream:group': () => [script('local/commands/stream-group.ts', ...args)],
  'bench:events': () => [script('bench/event-stream/main.ts', ...args)],
  'bench:federation': () => [script('bench/federation/main.ts', ...args)],
  migrate: () => [script('local/commands/migrate.ts', ...args)],
  'move:postgres': () => [script('local/commands/move-postgres.ts', ...args)],
  'admin:create': () => [script('local/commands/admin-create.ts', ...args)],
  account: () => [script('local/commands/account.ts', ...args)],
  reports: () => [script('local/commands/reports.ts', ...args)],
  backup: () => [script('local/commands/backup.ts', ...args)],
  restore: () => [script('local/commands/restore.ts', ...args)],
  restored: () => [script('local/commands/restored.ts', ...args)],
  'media:move': () => [script('local/commands/media-move.ts', ...args)],
  'rebuild:room': () => [script('local/commands/rebuild.ts', 'room', ...args)],
  'rebuild:user': () => [script('local/commands/rebuild.ts', 'user', ...args)],
  'rebuild:media': () => [script('local/commands/rebuild.ts', 'media', ...args)],
  'rebuild:all': () => [script('local/commands/rebuild-all.ts', ...args)],
  'keys:rotate': () => [script('local/commands/keys/rotate.ts', ...args)],
  docs: () => [script('local/commands/docs.ts', ...args)],
  deploy: () => [script('local/commands/deploy.ts', ...args)],
  smoke: () => [script('local/commands/smoke.ts', ...args)],
  'check:production': () => [script('local/commands/check-server.ts', 'production', ...args)],
  'check:local': () => [script('local/commands/check-server.ts', 'local', ...args)],
  bench: () => [script('bench/main.ts', ...args)],
  load: () => [script('bench/load/main.ts', ...args)],
  check: () => [
    script('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...args),
    tsc('tsconfig.json'),
    tsc('tsconfig.node.json'),
    vitest('test/layering.test.ts', 'test/lockfile.test.ts'),
    deployment(),
    deployment('-c', 'wrangler.thumbnails.toml'),
  ],
}

if (!Object.hasOwn(tasks, task)) {
  console.error(`selvedge: unknown task "${task}": ${Object.keys(tasks).join(', ')}`)
  process.exit(2)
}
install()
for (const command of tasks[task]()) {
  const code = await run(command)
  if (code !== 0) process.exit(code)
}

function run(command) {
  const child = spawn(pinnedNode, ['--disable-warning=ExperimentalWarning', ...command], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
      WRANGLER_SEND_METRICS: 'false',
    },
  })
  const forward = (signal) => child.kill(signal)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, forward)
  // A terminal sends Ctrl-C to both.
  process.once('SIGINT', () => {})
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`selvedge: Node could not be started: ${error.message}`)
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** A folder that goes with this process. */
function temporary() {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
