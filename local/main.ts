/** `npm start`: reads the options, starts the server, prints where it is, and ends it cleanly when asked. */

import { resolve } from 'node:path'
import { tell } from './commands/command.ts'
import { startInstance } from './instance.ts'
import { helpText, readOptions } from './options/options.ts'
import { projectRoot } from './paths.ts'
import { collectStartGarbage } from './runtime/memory.ts'
import { messageOf } from './start-error.ts'

try {
  await run()
} catch (error) {
  process.exit(tell(error))
}

async function run(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options === 'help') {
    process.stdout.write(helpText())
    return
  }
  warnOfCheckout(options['data-dir'])
  const asked = stopAsked()
  const instance = await startInstance(options)
  collectStartGarbage()
  console.log(`Selvedge is ready: ${instance.url}`)
  if (instance.httpsUrl) console.log(`Selvedge is ready: ${instance.httpsUrl}`)
  await asked
  await instance.stop()
  process.exit(0)
}

/** `git clean -fdx` deletes what stands in the checkout. */
function warnOfCheckout(folder: string): void {
  const path = resolve(folder)
  if (!path.startsWith(projectRoot)) return
  console.error(
    `selvedge: the data folder ${path} is inside the checkout, and git clean -fdx would delete it: --data-dir names another`,
  )
}

/** Resolves at the first signal, or when the parent (another Node version, or npm) is gone. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    if (process.connected) process.once('disconnect', resolve)
    else if (process.env.npm_lifecycle_event === 'start') whenOrphaned(resolve)
  })
}

/** npm killed by force tells its children nothing; only their parent changes. */
function whenOrphaned(tell: () => void): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) tell()
  }, 500).unref()
}

process.on('unhandledRejection', (reason) => {
  console.error(`selvedge: ${messageOf(reason)}`)
})
