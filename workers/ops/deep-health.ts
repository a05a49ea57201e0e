/** Whether the databases and the object storage answer. A Postgres that sleeps is billed when it is woken, so it is asked rarely. */
import type { LastAnswer } from '../../src/ports/health.ts'
import type { AppContext } from '../app-env.ts'

const PROBE_LIMIT_MS = 1000
/** A Postgres that slept needs some seconds to wake. */
const WAKING_LIMIT_MS = 10_000

type State = 'ok' | 'down' | 'unknown'

export interface DeepAnswer {
  /** The store of media is named by its kind. */
  parts: Record<string, State>
  /** When Postgres was asked, if it was not just now. */
  askedTs?: number
}

/** What this isolate was last told, for when Redis is away. */
let lastHere: LastAnswer | undefined

/** Asks each part for something that is not there: the cheapest question that the part must answer itself. */
export async function deepHealth(c: AppContext): Promise<DeepAnswer> {
  const [redis, media] = await Promise.all([
    inTime(c.var.ports.deepHealth.lastAnswer(), PROBE_LIMIT_MS),
    inTime(mediaAnswers(c), PROBE_LIMIT_MS),
  ])
  const { state, askedTs } = await postgresState(c, redis)
  const { mediaStore } = c.var.ports.config
  return { parts: { postgres: state, redis: stateOf(redis.ok), [mediaStore]: stateOf(media.ok) }, askedTs }
}

/** Asks the store that is written. */
async function mediaAnswers({ var: { ports } }: AppContext): Promise<void> {
  await ports.mediaBuckets[ports.config.mediaStore]?.ping()
}

async function postgresState(
  c: AppContext,
  redis: Outcome<LastAnswer | undefined>,
): Promise<{ state: State; askedTs?: number }> {
  const { config, clock, deepHealth } = c.var.ports
  const every = config.healthPostgresMs
  if (every === 0) return { state: stateOf((await askPostgres(c)).ok) }
  const last = newer(redis.ok ? redis.value : undefined, lastHere)
  if (last !== undefined && clock.now() - last.at < every) return remembered(last)
  const seconds = Math.ceil(every / 1000)
  // While Redis is away each isolate counts for itself.
  const isMine = !redis.ok || (await deepHealth.isToAsk(seconds).catch(() => true))
  if (!isMine) return last === undefined ? { state: 'unknown' } : remembered(last)
  const answer = await askPostgres(c)
  lastHere = answer
  // Kept beyond its time, for those that ask while the next answer is on its way.
  await deepHealth.note(answer, 2 * seconds).catch(() => undefined)
  return { state: stateOf(answer.ok) }
}

async function askPostgres(c: AppContext): Promise<LastAnswer> {
  const { aliases, clock, config } = c.var.ports
  const limit = config.healthPostgresMs === 0 ? PROBE_LIMIT_MS : WAKING_LIMIT_MS
  const { ok } = await inTime(aliases.find('#:'), limit)
  return { ok, at: clock.now() }
}

function remembered({ ok, at }: LastAnswer): { state: State; askedTs: number } {
  return { state: stateOf(ok), askedTs: at }
}

function newer(one: LastAnswer | undefined, other: LastAnswer | undefined): LastAnswer | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.at >= other.at ? one : other
}

function stateOf(ok: boolean): State {
  return ok ? 'ok' : 'down'
}

type Outcome<T> = { ok: true; value: T } | { ok: false }

async function inTime<T>(probe: Promise<T>, limit: number): Promise<Outcome<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false }), limit)
  })
  try {
    const answered = probe.then(
      (value): Outcome<T> => ({ ok: true, value }),
      (): Outcome<T> => ({ ok: false }),
    )
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
