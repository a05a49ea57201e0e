/** Mistakes at the edge: HTTP, media, and the adapters of storage. */
import { inFile, type Mutant } from '../mutant.ts'

const client = (...names: string[]) => names.map((name) => `test/workers/client/${name}.test.ts`)

export const WORKERS: readonly Mutant[] = [
  ...inFile('workers/middleware/access-token.ts', client('session', 'refresh'), [
    ['copy?.userId === session.userId && copy.deviceId === session.deviceId', 'copy !== undefined'],
    ["fromHeader?.trimEnd() ?? (c.req.query('access_token') || undefined)", 'fromHeader?.trimEnd()'],
  ]),
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
    'src/storage/postgres/archive.ts',
    ['test/storage-endpoints/postgres.test.ts', 'test/src/storage/archive.test.ts'],
    [
      [
        "forgotten = held.forgotten and excluded.membership in ('leave', 'ban')",
        'forgotten = held.forgotten',
      ],
      ['    update events set pdu = entry.pdu, redacted = true\n', '    update events set redacted = true\n'],
      [
        "where kind = 'event' and current and state_key is not null order by type, state_key, pos desc",
        "where kind = 'event' and current and state_key is not null order by type, state_key, pos",
      ],
      ['order by kind, key, seq desc', 'order by kind, key, seq'],
      ['where held.seq < excluded.seq`', '`'],
    ],
  ),
]
