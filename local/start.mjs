/** `npm start` on any Node since 20: installs what is missing, then runs the launcher under the pinned Node. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { install, pinnedNode } from './install.mjs'

install()

// npm puts the pinned Node first in the path, once it is installed: then this process is the launcher.
if (process.features.typescript) {
  hideExperimentalWarnings()
  await import('./main.ts')
} else {
  runUnderPinnedNode()
}

function runUnderPinnedNode() {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  // The channel between the two tells the child when this process is gone, however it went.
  const child = spawn(pinnedNode, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  child.once('error', (error) => {
    console.error(`selvedge: Node could not be started: ${error.message}`)
    process.exit(1)
  })
  child.once('exit', (code, signal) => process.exit(signal ? 1 : code))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // A terminal sends Ctrl-C to both.
  process.on('SIGINT', () => {})
  stopWithNpm(() => child.kill('SIGTERM'))
}

/** npm killed by force tells its children nothing; only their parent changes. */
function stopWithNpm(stop) {
  if (process.env.npm_lifecycle_event !== 'start') return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop()
  }, 500).unref()
}

/** node:sqlite still calls itself experimental at each start. */
function hideExperimentalWarnings() {
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(`${warning.name}: ${warning.message}`)
  })
}
