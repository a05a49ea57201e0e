/** The parts of a server that belong together: keys, objects, Postgres and Redis carry one instance id, or it does not start. */
import { type Keys, makeKeys, newInstanceId, readKeys, requireServerName, writeKeys } from './keys.ts'
import { StartError } from './start-error.ts'

/** What a part says of itself. */
export interface Mark {
  id: string
  /** Raised by a restore. */
  generation: number
  /** How often the server was started: parts that differ in it are of different times. */
  starts: number
}

export interface Part {
  /** The name by which the operator knows it, at the beginning of a sentence. */
  name: string
  /** What to do if it belongs to another server. */
  remedy: string
  mark: Mark | undefined
  write(mark: Mark): Promise<void>
}

export interface Parts {
  objects: Part & {
    /** Whether rooms or users have ever been kept here. */
    used: boolean
    /** Whether a user has ever been kept here; the account must then be somewhere. */
    hasUsers(): boolean
  }
  /** Absent if tests lend one. */
  postgres?: Part & {
    hasAccounts: boolean
    /** Whether it holds rooms or sessions, which keys have signed. */
    hasSigned: boolean
    /** What to do if it is empty beside rooms and users. */
    whereAccountsAre: string
  }
  redis: Part
}

/** The mark that all parts get, and whether one of them came from a backup. */
export interface Settled extends Mark {
  restored: boolean
}

/**
 * Makes sure that new keys may be made: they may not beside rooms and sessions that lost keys have signed.
 * @throws StartError
 */
export function requireNoKeysLost({ objects, postgres }: Omit<Parts, 'redis'>, file: string): void {
  const depends = objects.used || objects.mark || postgres?.mark || postgres?.hasSigned
  if (!depends) return
  throw new StartError(
    `${file} is missing beside an existing database: put it back, or start with an empty folder and an empty database`,
  )
}

/**
 * What the parts agree on.
 * @throws StartError naming the part that belongs to another server or does not know this one, and what to do
 */
export function settle(keys: Keys, parts: Parts, now: number): Settled {
  const id = keys.instance_id ?? parts.objects.mark?.id ?? newInstanceId()
  const all = partsOf(parts)
  for (const part of all) requireOwn(part, id)
  requireAccounts(parts)
  const marks = all.flatMap(({ mark }) => mark ?? [])
  const generation = Math.max(0, ...marks.map((mark) => mark.generation))
  const starts = Math.max(0, ...marks.map((mark) => mark.starts))
  const restored = marks.some((mark) => mark.starts !== starts)
  return { id, generation: restored ? nextGeneration(generation, now) : generation, starts, restored }
}

/** Later than any before it, also where a backup has forgotten the last one. */
export function nextGeneration(generation: number, now: number): number {
  return Math.max(now, generation + 1)
}

/** Marks all parts; the objects last, since they decide whether another part was there before. */
export async function writeMarks(parts: Parts, { id, generation, starts }: Mark): Promise<void> {
  for (const part of partsOf(parts).reverse()) await part.write({ id, generation, starts: starts + 1 })
}

function partsOf({ objects, postgres, redis }: Parts): Part[] {
  return postgres ? [objects, postgres, redis] : [objects, redis]
}

/**
 * For a command that works on a Postgres beside a data folder. As at a start, the Postgres must be the folder's own. A
 * folder that was never started knows no server yet.
 * @throws StartError
 */
export function requireOwnPostgres(keys: Keys, parts: Omit<Parts, 'redis'>): void {
  const id = keys.instance_id ?? parts.objects.mark?.id
  if (id === undefined) return
  if (parts.postgres) requireOwn(parts.postgres, id)
  requireAccounts(parts)
}

function requireOwn({ name, mark, remedy }: Part, id: string): void {
  if (mark === undefined || mark.id === id) return
  throw new StartError(`${name} belongs to another server (${mark.id}, and this one is ${id}): ${remedy}`)
}

/** Without the accounts, strangers would register under the names of the users whose objects are here. */
function requireAccounts({ objects, postgres }: Omit<Parts, 'redis'>): void {
  if (!postgres) return
  if (!postgres.hasAccounts && objects.hasUsers()) {
    throw new StartError(
      `${postgres.name} is empty, but the data folder holds rooms and users whose accounts are elsewhere: ${postgres.whereAccountsAre}`,
    )
  }
  if (objects.mark && !postgres.mark && postgres.hasAccounts) {
    throw new StartError(
      `${postgres.name} holds accounts, and does not say of which server: if you have put back a backup of this one, run npm run restored; otherwise name this server's own database by --database-url`,
    )
  }
}

/**
 * The keys, and what all parts agree on: checked before anything is changed, marked before anything is served.
 * @throws StartError where parts of different servers meet
 */
export async function putTogether(
  file: string,
  serverName: string,
  parts: Parts,
  migrate: () => Promise<unknown>,
): Promise<{ keys: Keys; mark: Settled }> {
  const found = readKeys(file)
  if (found === undefined) requireNoKeysLost(parts, file)
  else requireServerName(found, serverName)
  const keys = found ?? makeKeys(file, serverName)
  const mark = settle(keys, parts, Date.now())
  if (keys.instance_id === undefined) writeKeys(file, { ...keys, instance_id: mark.id })
  await migrate()
  await writeMarks(parts, mark)
  return { keys, mark }
}
