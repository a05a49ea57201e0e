/** Mistakes in the stream: at the User object, in the Worker, and in its client. */
import { client, inFile, type Mutant } from '../mutant.ts'

const folder = (name: string) => [`test/workers/client/stream/${name}.test.ts`]
const STREAM = folder('stream')
const SESSIONS = folder('sessions')
const OPENING = folder('opening')
const ENDS = folder('ends')
const PRESENCE = folder('presence')
const CLIENT = ['test/clients/stream/client.test.ts']

export const STREAM_MUTANTS: readonly Mutant[] = [
  ...inFile('durable-objects/user/stream/sockets.ts', STREAM, [
    [
      'if (sent?.token !== position && catchesUp === undefined) return false\n',
      '',
      { title: 'takes an acknowledgement' },
    ],
    ['{ sent: { token, at: this.#now() } })', '{ token })', { title: 'gives nothing more before' }],
    [
      'const settled = { sent: undefined, catchesUp: undefined, anew: undefined }',
      'const settled = { sent: undefined, anew: undefined }',
      { title: 'sends a client to /sync' },
    ],
    [
      '...(anew === undefined && { since: token }) }',
      'since: token }',
      { title: 'sends a client that begins anew to a first /sync' },
    ],
  ]),
  ...inFile('durable-objects/user/stream/sockets.ts', SESSIONS, [
    ['if (sent === undefined) continue\n', '', { title: 'when its client does not take what it is given' }],
    [
      'if (expiresAt <= now) this.end(',
      'if (expiresAt <= now - 60_000) this.end(',
      { title: 'unless another of the device' },
    ],
    ['...ofDevice.slice(0, -OF_A_DEVICE), ', '', { title: 'for the oldest of a device' }],
    ["if (one.poll.presence !== 'offline') this.end", 'this.end', { title: 'when nothing was heard' }],
    [
      'if (sessionIds.has(one.poll.session.sessionId))',
      'if (true)',
      { title: 'and others of the user go on' },
    ],
  ]),
  ...inFile('durable-objects/user/stream/sockets.ts', PRESENCE, [
    ['return Math.max(pinged, poll.heard)', 'return poll.heard'],
  ]),
  ...inFile('durable-objects/user/stream/streams.ts', STREAM, [
    [
      '    this.#parts.cameBack(one.poll.session.deviceId, token)\n',
      '',
      { title: 'keeps a message to a device' },
    ],
    ['...(since !== undefined && { position: since }),', '', { title: 'goes on from a position' }],
    ['    this.sockets.cutSlow()\n    this.#waiting.serveNext()', '    this.#waiting.serveNext()', SLOW()],
  ]),
  ...inFile('durable-objects/user/stream/streams.ts', OPENING, [['    check(session)\n', '']]),
  ...inFile('durable-objects/user/stream/incoming.ts', STREAM, [
    [
      '    requireJoined(host, room_id)\n    await room',
      '    await room',
      { title: 'makes no room by naming' },
    ],
    [
      'host.mutate(() => ({ value: undefined, ...setFullyRead(',
      'void (() => ({ value: undefined, ...setFullyRead(',
      { title: 'types and reads' },
    ],
    ['if (length > LONGEST_SAID)', 'if (length > 2 * LONGEST_SAID)', { title: 'a message that is too long' }],
  ]),
  ...inFile('durable-objects/user/stream/incoming.ts', SESSIONS, [
    [
      '    requireTelling(host, session)\n    host.polls',
      '    host.polls',
      { title: 'when the account is locked' },
    ],
    ['&& this.#allowance.spent)', '&& false)', { title: 'is refused where it comes too often' }],
  ]),
  ...inFile('durable-objects/user/stream/incoming.ts', ENDS, [
    [
      'if (renewed.userId !== session.userId || renewed.deviceId !== session.deviceId)',
      'if (renewed.userId !== session.userId)',
      { title: 'a token of another device' },
    ],
  ]),
  ...inFile('workers/client/stream/handshake.ts', OPENING, [
    [
      '    void opening?.then(leave, () => undefined)\n',
      '',
      { title: 'leaves no stream behind', equal: 'the runtime drops a socket that nobody has accepted' },
    ],
    ["  outside.addEventListener('close', () => end(gone()))\n", '', { title: 'leaves no stream behind' }],
    [
      '(said ? LONGEST_SAID : LONGEST_FIRST)',
      'LONGEST_FIRST',
      { title: 'says too much', equal: 'the object behind it refuses the same, a little later' },
    ],
    ['early.push(data) > MOST_EARLY', 'early.push(data) > 100', { title: 'says too much' }],
  ]),
  ...inFile('workers/client/stream/handshake.ts', SESSIONS, [
    ['  for (const data of early) inside.send(data)\n', '', { title: 'comes by the first message' }],
    ['401: STREAM_CLOSE.tokenEnded,', '', { title: 'that is none is refused' }],
  ]),
  ...inFile('workers/client/stream/stream.ts', SESSIONS, [
    ["if (c.req.query('access_token') !== undefined)", 'if (false)', { title: 'never comes in the URL' }],
    ['!streamOrigins.includes(origin))', 'false)', { title: 'comes from any origin' }],
  ]),
  ...inFile('clients/stream/client.ts', CLIENT, [
    ['    this.#position = body.next_batch\n', ''],
    ["    connection.say({ type: 'ack', position: body.next_batch })\n", ''],
    ['const twice = code === TOKEN_ENDED && this.#refused', 'const twice = code === TOKEN_ENDED'],
    ['const twice = code === TOKEN_ENDED && this.#refused', 'const twice = false'],
    [
      "    const query = new URLSearchParams({ set_presence: 'offline' })\n    if (typeof since === 'string') query.set('since', since)",
      "    const query = new URLSearchParams({ set_presence: 'offline' })",
    ],
    ['      this.#renewBefore(expires_in_ms as number | undefined)\n', ''],
  ]),
  ...inFile('clients/stream/connection.ts', CLIENT, [
    ["if (message.type === 'error') asked.reject(new ApiError(400, message))\n      else ", ''],
    ['for (const { reject } of this.#asked.values()) reject(lost)', ''],
  ]),
  ...inFile('clients/stream/listeners.ts', CLIENT, [
    ["if (name !== 'error') await this.tell('error', error)", 'throw error'],
    ['await (listener as Listener<Name>)(told)', 'void (listener as Listener<Name>)(told)'],
  ]),
  ...inFile('clients/stream/http.ts', CLIENT, [["error.errcode === 'M_UNKNOWN_TOKEN' && !anew", 'false']]),
  ...inFile('durable-objects/user/sync/sockets.ts', OPENING, [['    this.#check(asked.session)\n', '']]),
  ...inFile('src/accounts/tokens/check.ts', client('token-sign-in'), [
    ['if (parts !== 3) throw', 'if (parts < 1) throw', { equal: 'jose takes no other form either' }],
    ['      issuer: issuer.issuer,\n', '', { equal: 'the issuer was chosen by this claim' }],
  ]),
  ...inFile('src/accounts/tokens/identity.ts', client('token-sign-in'), [
    [
      'fitsBytes(text, LONGEST_SUBJECT) ? text : undefined',
      'text',
      { title: 'is refused, with one line', equal: 'the user id of a longer one is too long' },
    ],
    ['Number.isSafeInteger(claim) ? String(claim) : claim', 'claim', { title: 'of the subject' }],
  ]),
]

function SLOW() {
  return { title: 'gives nothing more before', equal: 'serveNext serves, and serving cuts as well' }
}
