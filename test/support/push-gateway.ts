/** A push gateway that remembers what it is told, and answers as it is bidden. */
import { type Body, type Client, must } from './client.ts'
import { listening } from './listening.ts'

/** One that is `'never'` given keeps the server waiting. */
export interface Reply {
  status: number | 'never'
  body?: Body
}

export interface Gateway {
  url: () => string
  /** What came, oldest first. */
  received: readonly Body[]
  /** What came for a pushkey, oldest first. */
  got: (pushkey: string) => Body[]
  /** When a notification came, ms. */
  arrival: (notification: Body) => number | undefined
  /** The number that a pushkey was told last. */
  number: (pushkey: string) => number | undefined
  /** The events that a pushkey was told of. */
  events: (pushkey: string) => string[]
  /** Answers for a pushkey: these in turn, and the last from then on. An empty object where nothing is said. */
  answer: (pushkey: string, ...replies: Reply[]) => void
}

/** A gateway for one test file: see `listening`. */
export function pushGateway(): Gateway {
  const received: Body[] = []
  const arrivals = new Map<Body, number>()
  const replies = new Map<string, Reply[]>()
  const at = listening(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { notification } = JSON.parse(text)
    received.push(notification)
    arrivals.set(notification, Date.now())
    const left = replies.get(notification.devices[0].pushkey) ?? []
    const { status, body = {} } = (left.length > 1 ? left.shift() : left[0]) ?? { status: 200 }
    if (status === 'never') return
    response.writeHead(status, status === 302 ? { location: url() } : {})
    response.end(JSON.stringify(body))
  })
  const url = () => at('/_matrix/push/v1/notify')
  const got: Gateway['got'] = (pushkey) => received.filter(({ devices }) => devices[0].pushkey === pushkey)
  return {
    url,
    received,
    got,
    arrival: (notification) => arrivals.get(notification),
    number: (pushkey) => got(pushkey).at(-1)?.counts.unread,
    events: (pushkey) =>
      got(pushkey)
        .map(({ event_id }) => event_id)
        .filter((id) => id !== undefined),
    answer: (pushkey, ...answers) => replies.set(pushkey, answers),
  }
}

/** The body that sets a pusher of this gateway. */
export const pusherOf = (gateway: Gateway, pushkey: string, more: Body = {}): Body => ({
  ...{ app_id: 'org.example.app', pushkey, kind: 'http', lang: 'en' },
  ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: gateway.url() } },
  ...more,
})

/** Sets a pusher of this gateway, beside those that there are. */
export async function setPusher(client: Client, gateway: Gateway, pushkey: string): Promise<void> {
  must(await client.post('/pushers/set', pusherOf(gateway, pushkey, { append: true })))
}
