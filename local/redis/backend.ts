/** What stands behind the Redis endpoint: the embedded store, or a real server. */
import { DatabaseSync } from 'node:sqlite'
import { CommandError, CommandStore, parseCommand, type Reply } from './commands.ts'
import { connectResp, type RespClient, type RespReply } from './resp.ts'

/** One command's outcome, as Upstash writes it. */
export type Outcome = { result: RespReply } | { error: string }

export interface RedisBackend {
  /** Runs commands in order; atomically, all or none of them visible to others, when asked. */
  run(commands: string[][], atomic: boolean): Promise<Outcome[]>
  flush(): Promise<void>
  close(): Promise<void>
}

/** What Redis answers to EXEC after a refused command. */
export const abortedMessage = 'EXECABORT Transaction discarded because of previous errors.'

const sweepEveryMs = 60_000

/** The embedded store: what was answered survives the death of the process. `:memory:` keeps nothing. */
export function openEmbeddedRedis(file: string): RedisBackend {
  const db = new DatabaseSync(file)
  // In WAL mode NORMAL syncs at checkpoints alone: enough against kill -9, cheap enough for each request.
  db.exec('pragma journal_mode = wal; pragma synchronous = normal')
  const store = new CommandStore(db, Date.now)
  const sweeper = setInterval(() => store.sweep(), sweepEveryMs).unref()
  return {
    async run(commands, atomic) {
      const all = () => commands.map((words) => outcomeOf(() => store.run(words)))
      if (!atomic) return all()
      return aborted(commands) ?? store.transaction(all)
    },
    async flush() {
      store.flush()
    },
    async close() {
      clearInterval(sweeper)
      db.close()
    },
  }
}

/** A real server, held to the same commands as the embedded one. @throws when it cannot be reached */
export async function openRedisServer(url: string): Promise<RedisBackend> {
  const client = await connectResp(url)
  return {
    async run(commands, atomic) {
      if (atomic) return aborted(commands) ?? (await transaction(client, commands)).map(asOutcome)
      const checked = check(commands)
      const replies = await client.send(commands.filter((_, at) => 'result' in checked[at]!))
      return checked.map((outcome) => ('result' in outcome ? asOutcome(replies.shift()!) : outcome))
    },
    async flush() {
      await client.send([['flushdb']])
    },
    async close() {
      client.close()
    },
  }
}

async function transaction(client: RespClient, commands: string[][]): Promise<RespReply[]> {
  const replies = await client.send([['multi'], ...commands, ['exec']])
  const last = replies.at(-1)
  if (!Array.isArray(last)) throw new Error('Redis refused the transaction')
  return last
}

function check(commands: string[][]): Outcome[] {
  return commands.map((words) => outcomeOf(() => parseCommand(words) && null))
}

/** Redis throws away a whole transaction when it knows one of its commands not. */
function aborted(commands: string[][]): Outcome[] | undefined {
  const checked = check(commands)
  if (checked.every((outcome) => 'result' in outcome)) return undefined
  return checked.map((outcome) => ('error' in outcome ? outcome : { error: abortedMessage }))
}

function asOutcome(reply: RespReply): Outcome {
  return reply instanceof Error ? { error: reply.message } : { result: reply }
}

function outcomeOf(work: () => Reply): Outcome {
  try {
    return { result: work() }
  } catch (error) {
    if (error instanceof CommandError) return { error: error.message }
    throw error
  }
}
