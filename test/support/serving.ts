/** A server for one test file and the people who use it: there before its first test, gone after its last. */
import { afterAll, beforeAll } from 'vitest'
import { type Api, api, type Client } from './client.ts'
import { startServer, type TestServer, type TestServerOptions } from './server.ts'

export type Serving<Name extends string> = Record<Name, Client> & {
  server: TestServer
  http: Api
  /** Registers somebody new. */
  someone: () => Promise<Client>
}

/**
 * Starts a server and registers the named users before the tests of the file, and stops the server after them. The answer
 * is filled in by the first test, and cannot be read earlier. A server that started while the file is loaded would never
 * be stopped in a file without a test of the title of `npm test -- -t TITLE`.
 */
export function serving<const Name extends string = never>(
  names: readonly Name[] = [],
  options: TestServerOptions = {},
): Serving<Name> {
  const server = {} as TestServer
  const http = api(server)
  const clients = Object.fromEntries(names.map((name) => [name, {} as Client])) as Record<Name, Client>
  let started: TestServer | undefined
  beforeAll(async () => {
    started = await startServer(options)
    Object.assign(server, started)
    for (const name of names) Object.assign(clients[name], await http.register(name))
  })
  afterAll(() => started?.stop())
  let others = 0
  const someone = () => {
    others += 1
    return http.register(`someone${others}`)
  }
  return { server, http, someone, ...clients }
}
