/** Counts what an operation costs a whole server: its requests, lines of the log, calls, rows and timers. */
import { type Counted, combined, NOTHING } from '../../../bench/cost/units.ts'
import { type Api, api, must } from '../../support/client.ts'
import { eventually } from '../../support/eventually.ts'
import { settled } from '../../support/faults.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/**
 * An operation is repeated until the least that it cost was seen twice, or so often: a machine that is behind answers
 * news apart that belong together, and keeps timers longer.
 */
const REPEATS = 8

type Line = Record<string, unknown>

export interface Meter {
  server: TestServer
  http: Api
  /**
   * The cost of one run, with all that follows it. The first run is left out, since it makes things that are made once.
   * @param prepare runs before each run, and is not counted
   */
  costOf(work: () => Promise<unknown>, prepare?: () => Promise<unknown>): Promise<Counted>
  stop(): Promise<void>
}

/** A server as it is deployed, but for what is waited for: nothing is believed of sessions for a while. */
export async function startMeter(): Promise<Meter> {
  const lines: Line[] = []
  const writeLog = (text: string) => {
    lines.push(...text.split('\n').map((line) => JSON.parse(line)))
  }
  const server = await startServer({
    'rate-limits': 'on',
    'log-level': 'info',
    writeLog,
    staysAwake: 'counts calls, rows and lines of the log',
  })
  const http = api(server)
  // On the edge requests of one client meet many isolates.
  const fault = { name: 'session:not-believed', count: 1_000_000 }
  must(await http.request('POST', '/_selvedge/test/faults', fault))
  const look = async (): Promise<Counted> => {
    const { body } = must(await http.request('GET', '/_selvedge/test/calls'))
    return combined(fromCalls(body), fromLines(lines))
  }
  const still = async (): Promise<Counted> => {
    await settled(http)
    // Lines of the log come a moment later, in their order.
    const id = (await http.request('GET', '/_selvedge/test/calls')).headers.get('x-request-id')
    const last = () => lines.findLast(({ request_id: of }) => of === id)
    await eventually(last, (line) => line !== undefined)
    return look()
  }
  return {
    server,
    http,
    async costOf(work, prepare = async () => {}) {
      await prepare()
      await work()
      const runs: Counted[] = []
      while (!isSettled(runs)) {
        await prepare()
        const before = await still()
        await work()
        runs.push(combined(await still(), before, -1))
      }
      return leastOf(runs)
    },
    stop: () => server.stop(),
  }
}

function fromCalls(calls: Record<string, number>): Counted {
  const ofObjects = Object.entries(calls).filter(([name]) => /^(room|user)\./.test(name))
  const sum = (wanted: RegExp) =>
    Object.entries(calls).reduce((total, [name, count]) => total + (wanted.test(name) ? count : 0), 0)
  const rowsRead = sum(/\.rows_read$/)
  const rowsWritten = sum(/\.rows_written$/)
  return {
    ...NOTHING,
    objectRequests: ofObjects.reduce((total, [, count]) => total + count, 0) - rowsRead - rowsWritten,
    alarms: calls.alarms ?? 0,
    rowsRead,
    rowsWritten,
    redisCommands: calls.redis_commands ?? 0,
    heldMs: sum(/^held\./),
    r2Writes: calls['r2.writes'] ?? 0,
    r2Reads: calls['r2.reads'] ?? 0,
  }
}

const calls = ({ requests, objectRequests }: Counted) => requests + objectRequests

function isSettled(runs: readonly Counted[]): boolean {
  const least = Math.min(...runs.map(calls))
  return runs.filter((run) => calls(run) === least).length > 1 || runs.length === REPEATS
}

/** The run that made the fewest calls; of several, the one in which timers held objects for the shortest time. */
function leastOf(runs: readonly Counted[]): Counted {
  return runs.reduce((least, run) =>
    (calls(run) - calls(least) || run.heldMs - least.heldMs) < 0 ? run : least,
  )
}

const FAILED = 400

/** A poll has its line when it ends. */
function fromLines(lines: readonly Line[]): Counted {
  const ours = lines.filter(({ route }) => !String(route).startsWith('/_selvedge/test/'))
  const requests = ours.filter(({ message }) => message === 'request')
  return {
    ...NOTHING,
    requests: requests.length,
    refusals: requests.filter(({ status }) => Number(status) >= FAILED).length,
    lines: ours.length - requests.length,
  }
}
