/** `npm run account`: what an operator does with accounts, through the running server. */

import { openDataFolder } from '../data-folder.ts'
import { newTokenKey, readKeys, writeKeys } from '../keys.ts'
import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { readPassword } from './password-input.ts'
import {
  findServer,
  type JsonAnswer,
  type RunningServer,
  serverOptions,
  userIdFor,
} from './running-server.ts'
import { splitFlags } from './words.ts'

/** What a command's words stand for: `user` where it needs one, and its own flags. */
interface Action {
  usage: string
  help: string
  needsUser: boolean
  flags: Record<string, 'boolean' | 'string'>
  run(server: RunningServer, path: string, flags: Flags): Promise<string[]>
}
type Flags = Record<string, string | boolean | undefined>

/** What is special about an account, as the list names it. */
const MARKS = ['admin', 'guest', 'locked', 'suspended', 'deactivated'] as const

const ROOT = '/_selvedge/admin/accounts'

const ACTIONS: Record<string, Action> = {
  list: {
    usage: 'list',
    help: 'All accounts, with what is special about each.',
    needsUser: false,
    flags: {},
    run: listAccounts,
  },
  show: {
    usage: 'show <user>',
    help: 'One account, and its devices.',
    needsUser: true,
    flags: {},
    run: async (server, path) => shown(await server.ask('GET', path)),
  },
  'set-password': {
    usage: 'set-password <user>',
    help: 'A new password, from standard input. Sessions go on: see logout.',
    needsUser: true,
    flags: {},
    async run(server, path) {
      const { user_id: userId } = await server.ask('GET', path)
      const password = await readPassword(`New password for ${userId}: `)
      await server.ask('PUT', `${path}/password`, { password })
      return [`${userId} has the new password`]
    },
  },
  deactivate: {
    usage: 'deactivate <user> [--erase]',
    help: 'For good: the name stays taken, the rooms are left. --erase takes what the user said, too.',
    needsUser: true,
    flags: { erase: 'boolean' },
    async run(server, path, { erase = false }) {
      const { user_id: userId } = await server.ask('POST', `${path}/deactivate`, { erase })
      return [`${userId} is deactivated${erase ? ', and erased' : ''}`]
    },
  },
  admin: adminAction('admin', true, 'Makes an administrator.'),
  'no-admin': adminAction('no-admin', false, 'Makes an administrator a user as all others.'),
  logout: {
    usage: 'logout <user> [--device <id>] | logout --everyone',
    help: 'Ends the sessions of a user, or of one device; of everybody while the server is stopped: they keep their keys.',
    needsUser: true,
    flags: { device: 'string', everyone: 'boolean' },
    async run(server, path, { device }) {
      const { user_id: userId, ended } = await server.ask('POST', `${path}/logout`, { device_id: device })
      return [`${userId}: ${ended} devices are logged out`]
    },
  },
}

await runCommand(async () => {
  const [name = '', ...args] = process.argv.slice(2)
  if (name === '--help' || name === '-h' || args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(help())
    return
  }
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action === undefined) {
    throw new StartError(`name what to do: ${Object.keys(ACTIONS).join(', ')} (see --help)`, 2)
  }
  const { words, flags, rest } = splitFlags(args, action.flags, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') return
  if (flags.everyone === true) {
    if (words.length > 0 || flags.device !== undefined)
      throw new StartError('--everyone is given without a user', 2)
    console.log(logEverybodyOut(options['data-dir']))
    return
  }
  const [user, ...more] = words
  if (action.needsUser && user === undefined) throw new StartError(`name the user: ${action.usage}`, 2)
  const surplus = action.needsUser ? more[0] : user
  if (surplus !== undefined) throw new StartError(`unexpected argument ${surplus} (see --help)`, 2)
  const server = await findServer(options)
  const path = user === undefined ? ROOT : `${ROOT}/${encodeURIComponent(userIdFor(user, server.serverName))}`
  for (const line of await action.run(server, path, flags)) console.log(line)
})

function adminAction(name: string, admin: boolean, helpLine: string): Action {
  return {
    usage: `${name} <user>`,
    help: helpLine,
    needsUser: true,
    flags: {},
    async run(server, path) {
      const { user_id: userId } = await server.ask('PUT', `${path}/admin`, { admin })
      return [`${userId} is ${admin ? 'an' : 'no'} administrator now`]
    },
  }
}

async function listAccounts(server: RunningServer, path: string): Promise<string[]> {
  let next: unknown
  let count = 0
  do {
    const after = typeof next === 'string' ? `?after=${encodeURIComponent(next)}` : ''
    const page = await server.ask('GET', `${path}${after}`)
    for (const account of page.accounts as JsonAnswer[]) console.log(summary(account))
    count += (page.accounts as JsonAnswer[]).length
    next = page.next
  } while (next !== undefined)
  return [`${count} accounts`]
}

function summary(account: JsonAnswer): string {
  const marks = MARKS.filter((mark) => account[mark] === true)
  return [account.user_id, timeOf(account.created_ts), ...marks].join('  ')
}

function shown(account: JsonAnswer): string[] {
  const devices = account.devices as JsonAnswer[]
  return [
    summary(account),
    ...devices.map(({ device_id: id, display_name: name, last_seen_ts: seen, last_seen_ip: ip }) =>
      ['  device', id, name ?? '-', `last seen ${timeOf(seen)}`, ip ?? ''].join('  ').trimEnd(),
    ),
    `${devices.length} devices`,
  ]
}

function timeOf(ts: unknown): string {
  return typeof ts === 'number' ? new Date(ts).toISOString() : '-'
}

/** Earlier tokens are no longer good. It is remembered that they once were, so that clients keep their keys. */
function logEverybodyOut(dataDir: string): string {
  const folder = openDataFolder(dataDir)
  try {
    const keys = readKeys(folder.keys)
    if (keys === undefined)
      throw new StartError(`${folder.keys} is missing: there is no server in this folder`)
    const retired = keys.token_keys.map((key) => ({ ...key, retired: true }))
    writeKeys(folder.keys, { ...keys, token_keys: [newTokenKey(), ...retired] })
    return 'the next start logs everybody out; they keep their keys'
  } finally {
    folder.unlock()
  }
}

function help(): string {
  const lines = Object.values(ACTIONS).map(({ usage, help }) => `  ${usage}\n      ${help}`)
  const [, ...options] = helpText('npm run account', serverOptions).split('\n')
  return ['Usage: npm run account -- <what to do> [options]', '', ...lines, ...options].join('\n')
}
