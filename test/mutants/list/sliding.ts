/** Mistakes in sliding sync. */
import { client, inFile, type Mutant } from '../mutant.ts'

const AGREES = client('sync/sliding/agrees')
const LISTS = client('sync/sliding/lists')
const CONNECTIONS = client('sync/sliding/connections')
const MEMBERSHIPS = client('sync/sliding/memberships')
const EXTENSIONS = client('sync/sliding/extensions')
const COST = client('sync/sliding/cost')
const POLLS = client('sync/sliding/polls')

export const SLIDING: readonly Mutant[] = [
  ...inFile('durable-objects/user/sync/sliding/sent-rooms.ts', AGREES, [
    [
      'return { own, limit, required: elements }',
      'return { own, limit, required: [...new Set([...before.required, ...elements])] }',
      { title: 'in history' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/sliding/slide.ts', LISTS, [
    [
      'const grows = known.limit < config.limit',
      'const grows = false',
      { title: 'sends a room again at once' },
    ],
    [
      'const widens = !hasRequired(known, config)',
      'const widens = false',
      { title: 'sends a room again at once' },
    ],
    [
      'token === undefined || reach > position',
      'token === undefined',
      {
        title: 'comes back into a range',
        equal:
          'a room that stands further than its place is noted as moved in each epoch: this only makes sure',
      },
    ],
  ]),
  ...inFile('durable-objects/user/sync/sliding/slide.ts', MEMBERSHIPS, [
    ['known.own < room.own) {', 'false) {', { title: 'begins a room anew' }],
    ['if (known?.own === room.own || ', 'if (', { title: 'always shows a room' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/slide.ts', COST, [
    ['span.token === undefined || grows ? 0 : LOOKED_UP', 'LOOKED_UP', { title: 'a list that grows' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/slide.ts', EXTENSIONS, [
    ['everyone: devices && isNew }', 'everyone: false }', { title: 'a room that the user joins' }],
    ['slide.devices ? others.filter', 'false ? others.filter', { title: 'e2ee: whose devices' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/connections.ts', CONNECTIONS, [
    ['placeOfPos(pos)?.name !== row.name || ', '', { title: 'refuses a pos that is not its own' }],
    [
      'if (generation !== undefined && sent === after) return generation\n',
      'if (generation !== undefined) return generation\n',
      { title: 'gives the same again' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/sliding/windows.ts', MEMBERSHIPS, [
    ["return byOther && was === 'join'", 'return false', { title: 'always shows a room' }],
  ]),
  ...inFile('durable-objects/user/sync/sockets.ts', POLLS, [
    [
      'other.poll.sliding?.conn === sliding.conn',
      'false',
      { title: 'ends a poll when its connection asks anew' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/codecs/sliding/extensions.ts', EXTENSIONS, [
    ['view.isSent(roomId) &&', '', { title: 'account_data: all of it first' }],
    ['(!first && receipt.pos > task.since) ||', 'true ||', { title: 'receipts: those of the timeline' }],
  ]),
]
