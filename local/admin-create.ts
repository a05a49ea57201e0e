/** `npm run admin:create`: makes an administrator, or makes one of an account that is there. */
import { parseArgs } from 'node:util'
import { hashPassword } from '../src/accounts/passwords.ts'
import { newLocalpart } from '../src/accounts/usernames.ts'
import { userIdOf } from '../src/protocol/identifiers.ts'
import { systemRandom } from '../src/system.ts'
import { runCommand } from './command.ts'
import { runMigrations } from './migrations.ts'
import { openDatabase } from './open-database.ts'
import { helpText, readOptions } from './options.ts'
import { migrationsFolder } from './paths.ts'
import type { Database } from './postgres/database.ts'
import { messageOf, StartError } from './start-error.ts'

const ours = ['database-url', 'data-dir', 'server-name', 'password-cost'] as const

const PASSWORD_LENGTH = 24

/** An account that is there becomes an administrator; its password changes only where one is given. */
const UPSERT = `
  insert into accounts (localpart, password_hash, admin, created_ts) values ($1, $2, true, $3::bigint)
  on conflict (localpart) do update set admin = true,
    password_hash = case when $4::boolean then excluded.password_hash else accounts.password_hash end
  where not accounts.deactivated
  returning (xmax = 0)::text as made`

await runCommand(() => run(process.argv.slice(2)))

async function run(args: string[]): Promise<void> {
  const { name, password: given, rest } = ownFlags(args)
  const options = readOptions(rest, process.env, ours)
  if (options === 'help') {
    const own =
      '  --name <name>          The user name.\n  --password <password>  Made up and printed unless given.\n'
    process.stdout.write(`${helpText('npm run admin:create -- --name <name>', ours)}${own}`)
    return
  }
  if (name === undefined) throw new StartError('--name is missing (see --help)', 2)
  const localpart = localpartFor(name, options['server-name'])
  const password = given ?? systemRandom.token(PASSWORD_LENGTH)
  const passwordCost = options['password-cost'] === 'low' ? 'low' : 'normal'
  const hash = await hashPassword(password, { config: { passwordCost }, random: systemRandom })
  const { database, close } = await openDatabase(options)
  try {
    await runMigrations(database, migrationsFolder)
    const made = await upsert(database, localpart, hash, given !== undefined)
    const userId = userIdOf(localpart, options['server-name'])
    console.log(made ? `made the administrator ${userId}` : `${userId} is an administrator now`)
    if (made && given === undefined) console.log(`password: ${password}`)
  } finally {
    await close()
  }
}

/** The two flags that no other command has; everything else is for the table of options. */
function ownFlags(args: string[]): { name?: string; password?: string; rest: string[] } {
  const options = { name: { type: 'string' }, password: { type: 'string' } } as const
  const { values, tokens } = parseArgs({ args, options, strict: false, tokens: true })
  const own = new Set<number>()
  for (const token of tokens) {
    if (token.kind !== 'option' || !(token.name in options)) continue
    if (!token.value) throw new StartError(`${token.rawName} needs a value (see --help)`, 2)
    own.add(token.index)
    if (!token.inlineValue) own.add(token.index + 1)
  }
  const { name, password } = values as { name?: string; password?: string }
  return { name, password, rest: args.filter((_, index) => !own.has(index)) }
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
  if (rows.length === 0) throw new StartError(`${localpart} was deactivated, and stays so`)
  return rows[0]![0] === 'true'
}
