/** `npm run stack`: the whole server on one machine, with the services that it has in earnest, by one command. */
import { existsSync } from 'node:fs'
import { runCommand } from '../commands/command.ts'
import { lockFolder } from '../data-folder.ts'
import { StartError } from '../start-error.ts'
import { certificateOf } from './certificate.ts'
import { type Asked, HELP, readAsked } from './options.ts'
import { runs, SERVICE_NAMES, type Stack } from './service.ts'
import { tryServer } from './smoke.ts'
import { makeFolder, readState } from './state.ts'
import { healthOf, lineOf, showLogs } from './status.ts'
import { down, up } from './up.ts'

const say = (line: string) => console.log(line)

const COMMANDS: Record<Asked['command'], (asked: Asked) => Promise<void>> = {
  async up({ folder, change, smoke }) {
    makeFolder(folder)
    await alone(folder, async () => {
      const { stack, started } = await up(folder, change, say)
      welcome(stack)
      if (smoke && started.length > 0) await tryServer(stack, say)
    })
  },

  async down({ folder }) {
    requireStack(folder)
    await alone(folder, async () => {
      const ended = await down(folder)
      say(ended.length === 0 ? 'nothing was running' : `stopped ${ended.join(', ')}`)
    })
  },

  async status({ folder }) {
    const all = await healthOf(requireStack(folder))
    for (const health of all) say(lineOf(health))
    if (all.some(({ state }) => state !== 'ready')) process.exitCode = 1
  },

  async logs({ folder, services, lines, follow }) {
    const { state } = requireStack(folder)
    const names =
      services.length > 0 ? services : SERVICE_NAMES.filter((name) => state.services.includes(name))
    process.exitCode = await showLogs(folder, names, { lines, follow })
  },
}

await runCommand(async () => {
  const asked = readAsked(process.argv.slice(2))
  if (asked === 'help') process.stdout.write(HELP)
  else await COMMANDS[asked.command](asked)
})

// A service that has not answered would keep its connection open, and this process with it.
process.exit()

/** @throws StartError where there is none */
function requireStack(folder: string): Stack {
  const state = existsSync(folder) ? readState(folder) : undefined
  if (state === undefined)
    throw new StartError(`there is no stack in ${folder}: npm run stack -- up makes one`)
  return { folder, state }
}

/** Two of these at once would each start what the other is starting. */
async function alone(folder: string, work: () => Promise<void>): Promise<void> {
  const unlock = lockFolder(folder, `another npm run stack works on ${folder}`)
  try {
    await work()
  } finally {
    unlock()
  }
}

/** What a person needs next. */
function welcome(stack: Stack): void {
  if (!runs(stack, 'nginx')) return
  const { ca } = certificateOf(stack)
  if (ca !== undefined) say(`clients must trust the stack's own authority: ${ca}`)
}
