/** `npm run admin:create`: makes an administrator account, or makes an existing account an administrator. */
import { defaultMinLength, newPasswordHash } from '../../src/accounts/passwords.ts'
import { newLocalpart } from '../../src/accounts/usernames.ts'
import { userIdOf } from '../../src/protocol/identifiers.ts'
import { systemRandom } from '../../src/system.ts'
import { runMigrations } from '../migrations.ts'
import { helpText, optionTable, readOptions } from '../options/options.ts'
import { migrationsFolder } from '../paths.ts'
import type { Database } from '../postgres/database.ts'
import { messageOf, StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { openDatabase } from './open-database.ts'
import { readPassword } from './password-input.ts'
import { splitFlags } from './words.ts'

const ours = [
  'database-url',
  'data-dir',
  'server-name',
  'password-cost',
  'password-min-length',
  'ca',
] as const

const PASSWORD_LENGTH = 24

/** An existing account becomes an administrator; its password changes only if one is given. */
const UPSERT = `
  insert into accounts (localpart, password_hash, admin, created_ts) values ($1, $2, true, $3::bigint)
  on conflict (localpart) do update set admin = true,
    password_hash = case when $4::boolean then excluded.password_hash else accounts.password_hash end
  where not accounts.deactivated
  returning (xmax = 0)::text as made`

const OWN_HELP = `  --name <name>          The user name.
  --password-stdin       Read the password from standard input; else one is made up and printed.
  --password <password>  The password itself; others on this machine can see it meanwhile.
`

await runCommand(() => run(process.argv.slice(2)))

async function run(args: string[]): Promise<void> {
  const own = { name: 'string', password: 'string', 'password-stdin': 'boolean' } as const
  const { words, flags, rest } = splitFlags(args, own, ours)
  const options = readOptions([...rest, ...words], process.env, ours)
  if (options === 'help') {
    process.stdout.write(`${helpText('npm run admin:create -- --name <name>', ours)}${OWN_HELP}`)
    return
  }
  const { name } = flags
  if (typeof name !== 'string') throw new StartError('--name is missing (see --help)', 2)
  localpartFor(name, options['server-name'] ?? optionTable['server-name'].default)
  const given = await givenPassword(flags)
  const password = given ?? systemRandom.token(PASSWORD_LENGTH)
  const hash = await hashOf(password, options)
  const { database, serverName, close } = await openDatabase(options, { makesKeys: true })
  try {
    const localpart = localpartFor(name, serverName)
    await runMigrations(database, migrationsFolder)
    const made = await upsert(database, localpart, hash, given !== undefined)
    const userId = userIdOf(localpart, serverName)
    console.log(made ? `made the administrator ${userId}` : `${userId} is an administrator now`)
    if (made && given === undefined) console.log(`password: ${password}`)
  } finally {
    await close()
  }
}

async function givenPassword(
  flags: Record<string, string | boolean | undefined>,
): Promise<string | undefined> {
  if (flags['password-stdin'] === true) {
    if (flags.password !== undefined) throw new StartError('give --password or --password-stdin, not both', 2)
    return readPassword('Password: ')
  }
  return typeof flags.password === 'string' ? flags.password : undefined
}

function hashOf(
  password: string,
  options: { 'password-cost': string; 'password-min-length'?: string },
): Promise<string> {
  const passwordCost = options['password-cost'] === 'low' ? 'low' : 'normal'
  const passwordMinLength = Number(options['password-min-length'] ?? defaultMinLength(passwordCost))
  return newPasswordHash(password, {
    config: { passwordCost, passwordMinLength },
    random: systemRandom,
  }).catch((error: unknown) => {
    throw new StartError(messageOf(error), 2)
  })
}

function localpartFor(name: string, serverName: string): string {
  try {
    return newLocalpart(name, serverName)
  } catch (error) {
    throw new StartError(`--name: ${messageOf(error)}`, 2)
  }
}

async function upsert(
  database: Database,
  localpart: string,
  hash: string,
  setPassword: boolean,
): Promise<boolean> {
  const params = [localpart, hash, String(Date.now()), String(setPassword)]
  const { rows } = await database.use((connection) => connection.query(UPSERT, params))
  if (rows.length === 0) throw new StartError(`${localpart} was deactivated, which cannot be undone`)
  return rows[0]![0] === 'true'
}
