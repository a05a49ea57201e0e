/** A server that is not ours, for one test file: there before its first test, gone after its last. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll } from 'vitest'

/** Where the server will listen: the URL of a path there. Before `serving()`, so that ours is gone when it ends. */
export function listening(answer: RequestListener): (path: string) => string {
  const server = createServer(answer)
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return (path) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
}
