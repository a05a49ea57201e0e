/** The few Redis commands that the server uses, over one SQLite table. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type Reply = string | number | null | Reply[]

/** Refused as Redis refuses: the message goes to the client as `{ error }`. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** Commands that either backend serves, with the least and the most arguments. */
export const commandArity: Record<string, [least: number, most: number]> = {
  ping: [0, 1],
  get: [1, 1],
  mget: [1, Number.POSITIVE_INFINITY],
  set: [2, 7],
  del: [1, Number.POSITIVE_INFINITY],
  getdel: [1, 1],
  exists: [1, Number.POSITIVE_INFINITY],
  incr: [1, 1],
  incrby: [2, 2],
  expire: [2, 2],
  pexpire: [2, 2],
  ttl: [1, 1],
  pttl: [1, 1],
  dbsize: [0, 0],
  scan: [1, 5],
  info: [0, 1],
}

/** Splits a command into its lower-case name and arguments. @throws CommandError for one not served */
export function parseCommand(words: string[]): { name: string; args: string[] } {
  const [first = '', ...args] = words
  const name = first.toLowerCase()
  const arity = commandArity[name]
  if (!arity) throw new CommandError(`ERR unknown command '${first}'`)
  if (args.length < arity[0] || args.length > arity[1]) {
    throw new CommandError(`ERR wrong number of arguments for '${name}' command`)
  }
  return { name, args }
}

const schema = `
  create table if not exists entries (
    key text primary key,
    value text not null,
    expires_at integer
  ) without rowid;
  create index if not exists entries_expiry on entries (expires_at) where expires_at is not null;
`

/** Redis' largest integer, both ways. */
const largest = 2n ** 63n - 1n

interface Entry {
  value: string
  expiresAt: number | null
}

/** Runs commands on an SQLite database; every read ignores what has expired. */
export class CommandStore {
  readonly #now: () => number
  readonly #db: DatabaseSync
  readonly #select: StatementSync
  readonly #upsert: StatementSync
  readonly #delete: StatementSync
  readonly #sweep: StatementSync

  constructor(db: DatabaseSync, now: () => number) {
    this.#db = db
    this.#now = now
    db.exec(schema)
    this.#select = db.prepare(
      'select value, expires_at as expiresAt from entries where key = ? and (expires_at is null or expires_at > ?)',
    )
    this.#upsert = db.prepare('insert or replace into entries (key, value, expires_at) values (?, ?, ?)')
    this.#delete = db.prepare('delete from entries where key = ?')
    this.#sweep = db.prepare('delete from entries where expires_at <= ?')
  }

  /** Runs all of them or none: a refused command undoes those before it. */
  transaction<T>(work: () => T): T {
    this.#db.exec('begin immediate')
    try {
      const result = work()
      this.#db.exec('commit')
      return result
    } catch (error) {
      this.#db.exec('rollback')
      throw error
    }
  }

  /** @throws CommandError when Redis would answer an error */
  run(words: string[]): Reply {
    const { name, args } = parseCommand(words)
    return handlers[name]!(this, args)
  }

  /** Forgets what has expired, so that the file does not grow. */
  sweep(): void {
    this.#sweep.run(this.#now())
  }

  /** Forgets everything. */
  flush(): void {
    this.#db.exec('delete from entries')
  }

  now(): number {
    return this.#now()
  }

  read(key: string): Entry | undefined {
    return this.#select.get(key, this.#now()) as Entry | undefined
  }

  write(key: string, value: string, expiresAt: number | null): void {
    this.#upsert.run(key, value, expiresAt)
  }

  /** Some of the keys that fit a pattern, in their order. */
  keys(pattern: string, { from, count }: { from: number; count: number }): string[] {
    const rows = this.#db.prepare(
      'select key from entries where key glob ? and (expires_at is null or expires_at > ?) order by key limit ? offset ?',
    )
    return rows.all(pattern, this.#now(), count, from).map(({ key }) => String(key))
  }

  size(): number {
    const row = this.#db.prepare(
      'select count(*) as n from entries where expires_at is null or expires_at > ?',
    )
    return (row.get(this.#now()) as { n: number }).n
  }

  /** What the file, or the database in memory, takes. */
  bytes(): number {
    const row = this.#db.prepare(
      'select page_count * page_size as n from pragma_page_count(), pragma_page_size()',
    )
    return (row.get() as { n: number }).n
  }

  remove(key: string): boolean {
    const existed = this.read(key) !== undefined
    this.#delete.run(key)
    return existed
  }
}

type Handler = (store: CommandStore, args: string[]) => Reply

/** A row for each command in `commandArity`, which has checked the number of arguments. */
const handlers: Record<string, Handler> = {
  ping: (_store, [message]) => message ?? 'PONG',
  get: (store, [key]) => store.read(key!)?.value ?? null,
  mget: (store, keys) => keys.map((key) => store.read(key)?.value ?? null),
  set: (store, [key, value, ...options]) => set(store, key!, value!, options),
  del: (store, keys) => keys.filter((key) => store.remove(key)).length,
  getdel: (store, [key]) => {
    const value = store.read(key!)?.value ?? null
    store.remove(key!)
    return value
  },
  exists: (store, keys) => keys.filter((key) => store.read(key) !== undefined).length,
  incr: (store, [key]) => increment(store, key!, 1n),
  incrby: (store, [key, by]) => increment(store, key!, integer(by!)),
  expire: (store, [key, seconds]) => expireIn(store, key!, integer(seconds!) * 1000n),
  pexpire: (store, [key, ms]) => expireIn(store, key!, integer(ms!)),
  ttl: (store, [key]) => remaining(store, key!, 1000),
  pttl: (store, [key]) => remaining(store, key!, 1),
  dbsize: (store) => store.size(),
  scan: (store, [cursor, ...options]) => scan(store, cursor!, options),
  // Of all that Redis tells, what the server asks for.
  info: (store) => `# Memory\r\nused_memory:${store.bytes()}\r\n`,
}

function set(store: CommandStore, key: string, value: string, options: string[]): Reply {
  const { condition, keepTtl, ttl } = setOptions(options)
  const before = store.read(key)
  if ((condition === 'nx' && before) || (condition === 'xx' && !before)) return null
  const expiresAt = ttl !== undefined ? store.now() + ttl : keepTtl ? (before?.expiresAt ?? null) : null
  store.write(key, value, expiresAt)
  return 'OK'
}

function setOptions(words: string[]): { condition?: 'nx' | 'xx'; keepTtl: boolean; ttl?: number } {
  const found: { condition?: 'nx' | 'xx'; keepTtl: boolean; ttl?: number } = { keepTtl: false }
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const option = word.toLowerCase()
    if ((option === 'nx' || option === 'xx') && !found.condition) found.condition = option
    else if (option === 'keepttl' && found.ttl === undefined) found.keepTtl = true
    else if (
      (option === 'ex' || option === 'px') &&
      found.ttl === undefined &&
      !found.keepTtl &&
      rest.length > 0
    ) {
      const amount = integer(rest.shift()!)
      if (amount <= 0n) throw new CommandError("ERR invalid expire time in 'set' command")
      found.ttl = Number(amount) * (option === 'ex' ? 1000 : 1)
    } else throw new CommandError('ERR syntax error')
  }
  return found
}

function increment(store: CommandStore, key: string, by: bigint): number {
  const before = store.read(key)
  const value = integer(before?.value ?? '0') + by
  if (value > largest || value < -largest - 1n)
    throw new CommandError('ERR increment or decrement would overflow')
  store.write(key, String(value), before?.expiresAt ?? null)
  return Number(value)
}

/** The cursor is how many keys lie before, in their order. Redis too may leave out what comes meanwhile. */
function scan(store: CommandStore, cursor: string, words: string[]): Reply {
  if (!/^\d{1,15}$/.test(cursor)) throw new CommandError('ERR invalid cursor')
  const options = new Map<string, string>()
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at]!.toLowerCase()
    if ((name !== 'match' && name !== 'count') || words[at + 1] === undefined)
      throw new CommandError('ERR syntax error')
    options.set(name, words[at + 1]!)
  }
  const count = Number(integer(options.get('count') ?? '10'))
  if (count < 1) throw new CommandError('ERR syntax error')
  const keys = store.keys(options.get('match') ?? '*', { from: Number(cursor), count })
  return [keys.length < count ? '0' : String(Number(cursor) + count), keys]
}

function expireIn(store: CommandStore, key: string, ms: bigint): number {
  const entry = store.read(key)
  if (!entry) return 0
  if (ms <= 0n) store.remove(key)
  else store.write(key, entry.value, store.now() + Number(ms))
  return 1
}

function remaining(store: CommandStore, key: string, unit: number): number {
  const entry = store.read(key)
  if (!entry) return -2
  if (entry.expiresAt === null) return -1
  return Math.round((entry.expiresAt - store.now()) / unit)
}

function integer(text: string): bigint {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text))
    throw new CommandError('ERR value is not an integer or out of range')
  const value = BigInt(text)
  if (value > largest || value < -largest - 1n)
    throw new CommandError('ERR value is not an integer or out of range')
  return value
}
