/** Servers outside that answer without an end: they are read no further than anybody wants. */
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { expect, it } from 'vitest'
import { type Client, must } from '../support/client.ts'
import { listening } from '../support/listening.ts'
import { serving } from '../support/serving.ts'

/** What the buffers of both sides may hold beyond what is read. */
const BUFFERED = 16 * 1024 * 1024
const soon = { timeout: 15_000 }

/** Bytes written in each answer that was cut off, by path. */
const cut = new Map<string, number[]>()

const at = listening((request, response) => {
  request.resume()
  const path = request.url!
  let written = 0
  response.writeHead(path.endsWith('failing') ? 500 : 200, { 'content-type': 'application/json' })
  const more = () => {
    if (response.destroyed) return
    written += 65_536
    if (response.write(' '.repeat(65_536))) setImmediate(more)
    else response.once('drain', more)
  }
  response.on('close', () => cut.set(path, [...(cut.get(path) ?? []), written]))
  more()
})
const { http } = serving([], { 'allow-private-networks': 'on', presence: 'off' })

async function pushedTo(path: string): Promise<Client> {
  const name = path.endsWith('failing') ? 'failing' : 'fine'
  const alice = await http.register(`to-${name}`)
  const bob = await http.register(`from-${name}`)
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  must(
    await alice.post('/pushers/set', {
      ...{ app_id: 'org.example.app', pushkey: name, kind: 'http', lang: 'en' },
      ...{ app_display_name: 'App', device_display_name: 'Phone', data: { url: at(path) } },
    }),
  )
  await bob.say(room, 'hello')
  return alice
}

it.each(['/_matrix/push/v1/notify', '/_matrix/push/v1/notify?failing'])(
  'a push gateway that answers without an end is cut off: %s',
  async (path) => {
    const alice = await pushedTo(path)
    await expect.poll(() => cut.get(path) ?? [], soon).not.toEqual([])
    expect(Math.max(...cut.get(path)!)).toBeLessThan(BUFFERED)
    expect(must(await alice.get('/pushers')).body.pushers).toHaveLength(1)
  },
)

it('a site that closes a connection it has kept open is asked once more', async () => {
  let asked = 0
  const site = createSocketServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      asked += 1
      const body = `<title>Answer ${asked}</title>`
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
      )
      // The next request on this connection is lost.
      socket.once('data', () => socket.destroy())
    })
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  try {
    const carol = await http.register('carol')
    const preview = async (path: string) => {
      const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}${path}`
      const query = `url=${encodeURIComponent(url)}`
      const path_ = `/_matrix/client/v1/media/preview_url?${query}`
      return (await http.request('GET', path_, undefined, { token: carol.token })).body['og:title']
    }
    expect([await preview('/1'), await preview('/2'), await preview('/3')]).toEqual([
      'Answer 1',
      'Answer 2',
      'Answer 3',
    ])
  } finally {
    site.close()
  }
})
