/** Mistakes at the edge: HTTP, media, and the adapters of storage. */
import { client, inFile, type Mutant } from '../mutant.ts'

export const WORKERS: readonly Mutant[] = [
  ...inFile(
    'workers/middleware/waits.ts',
    ['test/faults/abandoned-polls.test.ts'],
    [
      ['if (gone.has(peerOf(one))) end(one)', 'end(one)', { title: 'leaves no poll behind' }],
      ['shared.slice(0, -WAITING_OF_A_SHARER)', '[]', { title: 'at most three' }],
    ],
  ),
  ...inFile('workers/middleware/access-token.ts', client('session', 'refresh'), [
    [
      'copy?.userId === session.userId && copy.deviceId === session.deviceId',
      'copy !== undefined',
      {
        equal:
          'a session id is random and signed together with its user and device, so its copy names no others',
      },
    ],
    ["fromHeader?.trimEnd() ?? (c.req.query('access_token') || undefined)", 'fromHeader?.trimEnd()'],
  ]),
  ...inFile(
    'durable-objects/traced.ts',
    ['test/workers/ops/traces.test.ts'],
    [
      ['  plain.headers.delete(SPANS_HEADER)\n', ''],
      ['    if (trace.hasWritten) await asCommit(stored)\n', ''],
      ['  adopt(traced.spans)\n', ''],
      ['new Trace(systemClock, systemRandom, context)', 'new Trace(systemClock, systemRandom)'],
    ],
  ),
  ...inFile(
    'workers/media/answer.ts',
    ['test/workers/media/media.test.ts'],
    [
      ["if (verdict === 'known') return new Response(null, { status: 304, headers })", ''],
      ['const last = range.offset + range.length - 1', 'const last = range.offset + range.length'],
      ['      status: 206,'.trim(), 'status: 200,'],
    ],
  ),
  ...inFile(
    'src/storage/postgres/archive-apart.ts',
    ['test/src/storage/archive-replays.test.ts'],
    [
      [' and coalesce(held.placed_pos, held.pos) < excluded.placed_pos', ''],
      ['    where pos > (select archived_pos from rooms where room_id = $1::text)\n', ''],
    ],
  ),
  ...inFile(
    'src/storage/postgres/archive-batch.ts',
    [
      'test/storage-endpoints/postgres.test.ts',
      'test/src/storage/archive.test.ts',
      'test/src/storage/directory.test.ts',
    ],
    [
      [
        "forgotten = held.forgotten and excluded.membership in ('leave', 'ban')",
        'forgotten = held.forgotten',
      ],
      ['    update events set pdu = entry.pdu, redacted = true\n', '    update events set redacted = true\n'],
      [
        '    order by type, state_key, pos desc\n    on conflict (room_id, type',
        '    order by type, state_key, pos\n    on conflict (room_id, type',
      ],
      ['(row) => isState(row) && row.membership != null', "ofKind('event')"],
    ],
  ),
  ...inFile(
    'src/storage/postgres/archive.ts',
    ['test/storage-endpoints/postgres.test.ts', 'test/src/storage/archive.test.ts'],
    [
      ['order by kind, key, seq desc', 'order by kind, key, seq'],
      ['where held.seq < excluded.seq`', '`'],
    ],
  ),
  ...inFile(
    'src/storage/redis/sessions.ts',
    ['test/src/storage/redis.test.ts'],
    [
      ['{ ex: TRUSTED_S, nx: true }', '{ ex: TRUSTED_S }'],
      ['now - writtenTs > TRUSTED_S * 1000 ? undefined', 'now < writtenTs ? undefined'],
      ['failedAt !== undefined && clock.now() - failedAt < DISTRUST_MS', 'false'],
    ],
    'sessions',
  ),
  ...inFile(
    'src/storage/redis/rate-limit.ts',
    ['test/src/storage/redis.test.ts'],
    [
      ['answers[2 * index]! > limit.count', 'answers[index]! > limit.count'],
      ['if (keys.length === 0) return undefined\n', ''],
      [
        '        pipeline.expire(name(key), limit.seconds)\n',
        '',
        { equal: 'a window that is over is never read' },
      ],
    ],
    'rate limits',
  ),
  ...inFile('workers/client/page-token.ts', client('page-tokens'), [
    ['if (result.success) return result.data\n', 'return result.data as z.infer<T>\n'],
    [
      '    throw unknownToken()\n  }\n}\n\nfunction unknownToken',
      '    return undefined\n  }\n}\n\nfunction unknownToken',
      { equal: 'what is no JSON fits no schema either' },
    ],
  ]),
]
