/** `Expect: 100-continue`: a client that asks first whether it may send its body. RFC 9110 §10.1.1. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, api, type Client } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'

let server: TestServer
let http: Api
let alice: Client

beforeAll(async () => {
  server = await startServer()
  http = api(server)
  alice = await http.register('alice')
})
afterAll(() => server?.stop())

/** Sends the body only when the server says so; answers whether it did, and the status. */
function uploadWhenAsked(body: Buffer): Promise<{ asked: boolean; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    let asked = false
    const upload = request(`${server.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${alice.token}`,
        'content-type': 'application/octet-stream',
        'content-length': body.length,
        expect: '100-continue',
      },
    })
    upload.on('continue', () => {
      asked = true
      upload.end(body)
    })
    upload.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve({ asked, status: response.statusCode }))
    })
    upload.on('error', reject)
    upload.flushHeaders()
  })
}

it('a client that asks whether to send its body is told to', async () => {
  expect(await uploadWhenAsked(Buffer.alloc(300_000, 'a'))).toEqual({ asked: true, status: 200 })
})
