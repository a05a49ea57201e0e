/** A push gateway that remembers what it is told, and answers as it is bidden. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Body, type Client, must } from './client.ts'

export interface Gateway {
  url: string
  /** What came for a pushkey, oldest first. */
  got: (pushkey: string) => Body[]
  /** The number that a pushkey was told last. */
  number: (pushkey: string) => number | undefined
  /** The events that a pushkey was told of. */
  events: (pushkey: string) => string[]
  /** Answers for a pushkey from now on; an empty object where nothing is said. */
  answer: (pushkey: string, status: number, body?: Body) => void
  stop: () => void
}

export async function startGateway(): Promise<Gateway> {
  const received: Body[] = []
  const answers = new Map<string, { status: number; body: Body }>()
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { notification } = JSON.parse(text)
    received.push(notification)
    const { status, body } = answers.get(notification.devices[0].pushkey) ?? { status: 200, body: {} }
    response.writeHead(status)
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const got: Gateway['got'] = (pushkey) => received.filter(({ devices }) => devices[0].pushkey === pushkey)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/_matrix/push/v1/notify`,
    got,
    number: (pushkey) => got(pushkey).at(-1)?.counts.unread,
    events: (pushkey) =>
      got(pushkey)
        .map(({ event_id }) => event_id)
        .filter((id) => id !== undefined),
    answer: (pushkey, status, body = {}) => answers.set(pushkey, { status, body }),
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Sets a pusher of this gateway. */
export async function setPusher(client: Client, gateway: Gateway, pushkey: string): Promise<void> {
  must(
    await client.post('/pushers/set', {
      ...{ app_id: 'org.example.app', pushkey, kind: 'http', lang: 'en', append: true },
      ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: gateway.url } },
    }),
  )
}
