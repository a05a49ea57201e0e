/** Mistakes in what stands before the handlers: who may ask, how often, how much, and whether there is such an object. */
import { client, inFile, type Mutant } from '../mutant.ts'

const middleware = (name: string) => [`test/workers/middleware/${name}.test.ts`]
const EXISTENCE = ['test/durable-objects/existence.test.ts']
const RATES = middleware('rate-limit')

export const MIDDLEWARE: readonly Mutant[] = [
  ...inFile(
    'durable-objects/gate.ts',
    EXISTENCE,
    [
      ['const answers = some.length === 0 ? [] : await ask(some)', 'const answers = await ask([...all])'],
      [
        'return (config.federation.on ? isRoomId(roomId) : isOurs(roomId)) && ask(roomId)',
        'return isOurs(roomId)',
      ],
      [
        'return admitted === true ? target(...args) : once(admitted, method, () => target(...args))',
        'return target(...args)',
      ],
    ],
    'a storm of invented names',
  ),
  ...inFile(
    'durable-objects/gate.ts',
    EXISTENCE,
    [["if (typeof absent === 'function') return absent()", '']],
    'answered as one that the asker is not in',
  ),
  ...inFile(
    'durable-objects/rpc-table.ts',
    ['test/durable-objects/rpc-table.test.ts'],
    [
      ['before?.(parts, args[0] as Session)', ''],
      [
        "typeof repeatable === 'function' ? repeatable(...(args as never[])) : repeatable",
        'repeatable !== false',
      ],
      ['rows.get(operation)?.large === true', 'rows.has(operation)'],
    ],
  ),
  ...inFile('src/known-ids.ts', ['test/src/known-ids.test.ts'], [['    await Promise.resolve()\n', '']]),
  ...inFile(
    'src/known-ids.ts',
    EXISTENCE,
    [['answer ??= begin()', 'answer = begin()']],
    'a storm of invented names',
  ),
  ...inFile('workers/client/events/delay-id.ts', client('delayed-events'), [
    ['const isOurs = [...tokenKeys, ...retiredTokenKeys].some(', 'const isOurs = retiredTokenKeys.some('],
  ]),
  ...inFile(
    'workers/middleware/rate-limit.ts',
    RATES,
    [
      ["limit !== 'free') take(c, users, limit, userId)", "limit === 'read') take(c, users, limit, userId)"],
      [
        'times > 0) take(c, users, action, c.var.requester.userId, times)',
        'times > 0) take(c, users, action, c.var.requester.userId)',
      ],
      ['return ask(limiter).catch(() => ask(memory))', 'return ask(limiter)'],
      ['limiter.hit(limit, [clientNetwork(c)])', 'limiter.hit(limit, [])'],
    ],
    'hold off|count (the invitees|to-device|in each)',
  ),
  ...inFile(
    'workers/middleware/guesses.ts',
    RATES,
    [
      [
        'isOver = Math.max(together, ofAddress) >= FAILURES.count ||',
        'isOver = together >= FAILURES.count ||',
      ],
      ['(isGuessed && together > 0)', 'isGuessed'],
      ['    if (isWrong(outcome)) await count()\n', '    await count()\n'],
      ['[pair, `address:${network}`, `account:${account}`]', '[pair, `account:${account}`]'],
    ],
    'guess|right password|from one address',
  ),
  ...inFile('workers/middleware/buckets.ts', middleware('buckets'), [
    ['if (filled < 1) return', 'if (filled < count) return'],
    ['tokens: filled - count, at: now', 'tokens: filled - 1, at: now'],
    ['Math.ceil(((1 - filled) / perSecond) * 1000)', 'Math.ceil((1 - filled) / perSecond)'],
  ]),
  ...inFile('workers/middleware/client-address.ts', middleware('addresses'), [
    [".split(',').at(-1)", ".split(',').at(0)"],
    ['if (clientAddressHeader === undefined) return peerAddress(c)\n', ''],
  ]),
  ...inFile(
    'workers/middleware/client-address.ts',
    ['test/local/launcher.test.ts'],
    [['behindTls(cf.clientIp) ?? ipAddress(cf.clientIp)', 'ipAddress(cf.clientIp)']],
    'TLS',
  ),
  ...inFile(
    'src/ip-address.ts',
    ['test/src/ip-address.test.ts'],
    [
      ['const PREFIX_GROUPS = 4', 'const PREFIX_GROUPS = 5'],
      [
        'return host === undefined ? undefined : (mappedV4(host) ?? host.slice(1, -1))',
        'return host?.slice(1, -1)',
      ],
    ],
  ),
  ...inFile(
    'src/accounts/hash-queue.ts',
    ['test/src/accounts/hash-queue.test.ts'],
    [
      ['turns.size >= AT_ONCE + WAITING', 'turns.size >= 1000'],
      ['    turns.delete(turn)\n', ''],
    ],
  ),
  ...inFile('workers/middleware/endpoint-row.ts', middleware('permits'), [
    ["'guests' in row ? row : NEITHER", "'guests' in row ? row : EVERYBODY"],
    [
      'noteRow(middleware: object, row: EndpointRow): void {\n  rows.set',
      'noteRow(middleware: object, row: EndpointRow): void {\n  rows.has',
    ],
  ]),
  ...inFile('workers/middleware/endpoint.ts', middleware('permits'), [
    [
      "    if (authenticate !== undefined && (isServed || row.auth !== 'server'))\n      c.set('requester', await authenticate(c, row))",
      '    if (authenticate === undefined) return next()',
    ],
  ]),
  ...inFile('workers/client/sync/presence.ts', middleware('permits'), [
    ["suspended: false, limit: 'write'", "suspended: true, limit: 'write'"],
  ]),
  ...inFile('workers/media/uploads.ts', middleware('permits'), [
    ["suspended: false, limit: 'reservation'", "suspended: true, limit: 'reservation'"],
  ]),
  ...inFile('workers/client/keys/send-to-device.ts', middleware('permits'), [
    ["suspended: 'own'", 'suspended: true'],
  ]),
  ...inFile('workers/middleware/permitted.ts', middleware('permits'), [
    ['return event?.sender === session.userId', 'return event !== undefined'],
  ]),
  ...inFile('workers/middleware/permitted.ts', client('moderation'), [
    ['stateKey === session.userId', 'stateKey !== undefined'],
    ["(await contentOf(c)).membership === 'leave'", 'true'],
    ["if (eventType !== 'm.room.redaction') return false\n", ''],
    ['return redacted !== undefined && isOwnEvent(', 'return redacted === undefined || isOwnEvent('],
  ]),
  ...inFile('workers/client/rooms/membership.ts', middleware('rates'), [
    ["limit: 'invite'", "limit: 'write'"],
  ]),
  ...inFile('workers/client/keys/keys.ts', middleware('rates'), [
    ["limit: 'keys', json: Query", "limit: 'read', json: Query"],
  ]),
  ...inFile('workers/middleware/rate-limit.ts', RATES, [
    ["(auth === 'none' || !hasToken(c))", '!hasToken(c)'],
  ]),
  ...inFile(
    'workers/middleware/bodies/unread-bodies.ts',
    ['test/workers/middleware/bodies/unread-bodies.test.ts'],
    [
      ['Number(declared) > AT_A_TIME', 'false'],
      ['if (left < 0 || clock.now() > end) break', ''],
      [
        'if (answer.status < REFUSED && bodyUsed) return answer',
        'if (answer.status < REFUSED) return answer',
      ],
    ],
  ),
  ...inFile(
    'workers/middleware/bodies/body.ts',
    ['test/workers/edge.test.ts'],
    [
      ['if (length > limit) throw tooLarge(limit)', ''],
      [
        'if (Number(declared ?? 0) > limit) throw tooLarge(limit)',
        '',
        { equal: 'what declares more is counted while it is read' },
      ],
      ['if (isTooDeep(value, text)) throw', 'if (false) throw'],
    ],
    'bodies',
  ),
  ...inFile(
    'src/accounts/interactive-auth.ts',
    ['test/src/accounts/interactive-auth.test.ts'],
    [
      [
        '!isOneShot && !(await ports.uia.take(session.id))',
        '!isOneShot && !(await ports.uia.get(session.id))',
      ],
      ['session.endpoint !== operation.endpoint || !isSame', 'session.endpoint !== operation.endpoint'],
      ['  if (await verifyPassword(password, held, ports.config)) return session\n', '  return session\n'],
      ['error.status >= 500 || error.status === 429', 'error.status >= 500'],
      [
        'if (type === undefined || session.completed.includes(type)) return session',
        'if (type === undefined) return session',
      ],
      ['completed: [], facts }', "completed: ['m.login.dummy'], facts }"],
    ],
  ),
  ...inFile(
    'src/quotas.ts',
    ['test/workers/quotas.test.ts'],
    [
      ['held <= most', 'held < most'],
      ["quota.endsWith('Bytes') ? 'M_TOO_LARGE'", "quota.endsWith('s') ? 'M_TOO_LARGE'"],
    ],
  ),
  ...inFile(
    'durable-objects/user/settings/account-data.ts',
    ['test/workers/quotas.test.ts'],
    [
      ['Buffer.byteLength(text) + ENTRY_BYTES - before', 'Buffer.byteLength(text) + ENTRY_BYTES'],
      ['(all?.bytes ?? 0) + added', 'added'],
      ['const ENTRY_BYTES = 128', 'const ENTRY_BYTES = 0'],
      [
        '    if (sql.exec(query, GLOBAL, type).rowsWritten === 0) return []\n',
        '',
        { equal: 'the archive hears of a fact that it does not have' },
      ],
    ],
    'account data',
  ),
  ...inFile('src/outside.ts', ['test/src/outside.test.ts'], [['    if (!isWhole) break\n', '']]),
  ...inFile(
    'src/outside.ts',
    ['test/workers/media/preview.test.ts'],
    [['hops <= MAX_REDIRECTS', 'hops <= 2 * MAX_REDIRECTS']],
    'leads in a circle',
  ),
]
