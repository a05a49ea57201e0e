/** What the launcher tells the Worker, by requests that show the secret of this start. */
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'

export interface WorkerLine {
  host: string
  port: number
  secret: string
}

/** A Worker that has too much to do must not keep the launcher waiting. */
const PATIENCE_MS = 2_000

/** Answers whether the Worker has taken it. */
export async function tellWorker(line: WorkerLine, what: string, fields = {}): Promise<boolean> {
  const answer = await send(line, what, fields, PATIENCE_MS)
  answer?.resume()
  return answer?.statusCode === 204
}

/** What the Worker answers, as JSON; undefined where it does not. */
export async function askWorker(
  line: WorkerLine,
  what: string,
  fields: object,
  patienceMs: number,
): Promise<unknown> {
  const answer = await send(line, what, fields, patienceMs)
  if (answer === undefined) return undefined
  return json(answer).catch(() => undefined)
}

function send(
  { host, port, secret }: WorkerLine,
  what: string,
  fields: object,
  timeout: number,
): Promise<IncomingMessage | undefined> {
  const path = `/_selvedge/local/${what}`
  const headers = { 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const asked = request({ host, port, path, method: 'PUT', headers, agent: false, timeout })
    asked.on('response', resolve)
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(undefined))
    asked.end(JSON.stringify({ secret, ...fields }))
  })
}
