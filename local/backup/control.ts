/** The running server's side of a backup: it holds everything still while the backup takes what has changed. */
import { timingSafeEqual } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import * as z from 'zod'
import { systemRandom } from '../../src/system.ts'
import type { Database } from '../postgres/database.ts'
import { messageOf, StartError } from '../start-error.ts'
import { freeze } from './freeze.ts'
import { type Lines, linesOf } from './lines.ts'
import type { Elsewhere } from './media.ts'

/** Where a running server says how it is reached; it lies in a folder that each start empties. */
export const CONTROL_FILE = 'control.json'

/** Longer than any copy of what changes in a moment; a backup that has died must hold nobody up. */
export const LONGEST_HOLD_MS = 60_000
const HELLO_MS = 5_000
const SECRET_LENGTH = 32

export interface Held {
  /** The Workers runtime's process id, as long as it runs. */
  runtimePid(): number | undefined
  /** The embedded Postgres, which the launcher itself writes. */
  embedded?: Database | undefined
  databaseUrl?: string | undefined
  /** Stores of media that a backup leaves to their own tools. */
  mediaElsewhere?: Elsewhere[]
}

const Hello = z.object({ secret: z.string(), ask: z.enum(['where', 'hold']) })
const Release = z.object({ release: z.literal(true) })

/** Listens on loopback for a backup that knows the secret of this start; answers what ends it. */
export async function openControl(run: string, held: Held): Promise<() => Promise<void>> {
  const secret = systemRandom.token(SECRET_LENGTH)
  const open = new Set<Socket>()
  let last: Promise<unknown> = Promise.resolve()
  // One hold after the other: the end of one would let go what the other holds.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    void serve(socket, { secret, held, inTurn })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  const file = join(run, CONTROL_FILE)
  writeFileSync(file, JSON.stringify({ port: (server.address() as AddressInfo).port, secret }), {
    mode: 0o600,
  })
  return async () => {
    rmSync(file, { force: true })
    server.close()
    for (const socket of open) socket.destroy()
    await last
  }
}

interface Serving {
  secret: string
  held: Held
  inTurn: <T>(work: () => Promise<T>) => Promise<T>
}

async function serve(socket: Socket, { secret, held, inTurn }: Serving): Promise<void> {
  const lines = linesOf(socket)
  // A connection that says nothing is nobody's backup.
  socket.setTimeout(HELLO_MS, () => socket.destroy())
  try {
    const hello = Hello.safeParse(await lines.next())
    if (!hello.success || !isSame(hello.data.secret, secret)) return
    socket.setTimeout(0)
    if (hello.data.ask === 'where') return lines.say(where(held))
    lines.say({ released: await inTurn(() => holdStill(held, () => untilReleased(lines))) })
  } catch (error) {
    lines.say({ error: messageOf(error) })
  } finally {
    lines.end()
  }
}

interface Where {
  /** The database to back up beside the folder, if it is not in it. */
  database_url?: string
  media_elsewhere: Elsewhere[]
}

function where({ embedded, databaseUrl, mediaElsewhere = [] }: Held): Where {
  if (databaseUrl !== undefined) return { database_url: databaseUrl, media_elsewhere: mediaElsewhere }
  if (embedded !== undefined) return { media_elsewhere: mediaElsewhere }
  throw new StartError('the Postgres of this server is lent to it, and belongs to no backup')
}

/**
 * No statement runs in the embedded Postgres while its one connection is taken here. The runtime stops after that, so
 * Postgres knows all that an object may believe of it. Answers whether the same runtime stood still all the time.
 */
async function holdStill({ embedded, runtimePid }: Held, during: () => Promise<boolean>): Promise<boolean> {
  const still = async () => {
    const pid = runtimePid()
    if (pid === undefined) throw new StartError('the Workers runtime does not run')
    const thaw = await freeze(pid)
    try {
      return (await during()) && runtimePid() === pid
    } finally {
      thaw()
    }
  }
  if (embedded === undefined) return still()
  return embedded.use(async (connection) => {
    await connection.script('checkpoint')
    return still()
  })
}

/** True once the backup has what it needs; false if it is gone, or takes too long. */
async function untilReleased(lines: Lines): Promise<boolean> {
  lines.say({ held: true })
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LONGEST_HOLD_MS)
  })
  try {
    return Release.safeParse(await Promise.race([lines.next(), over])).success
  } finally {
    clearTimeout(timer)
  }
}

function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}
