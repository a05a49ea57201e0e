/** What the launcher tells the Worker, by requests that show the secret of this start. */
import { request } from 'node:http'

export interface WorkerLine {
  host: string
  port: number
  secret: string
}

/** A Worker that has too much to do must not keep the launcher waiting. */
const PATIENCE_MS = 2_000

/** Answers whether the Worker has taken it. */
export function tellWorker({ host, port, secret }: WorkerLine, what: string, fields = {}): Promise<boolean> {
  const path = `/_selvedge/local/${what}`
  const headers = { 'content-type': 'application/json' }
  return new Promise((resolve) => {
    const asked = request({ host, port, path, method: 'PUT', headers, agent: false, timeout: PATIENCE_MS })
    asked.on('response', (answer) => {
      answer.resume()
      resolve(answer.statusCode === 204)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end(JSON.stringify({ secret, ...fields }))
  })
}
