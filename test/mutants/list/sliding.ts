/** Mistakes in sliding sync. */
import { client, inFile, type Mutant } from '../mutant.ts'

const AGREES = client('sync/sliding/agrees')
const LISTS = client('sync/sliding/lists')
const CONNECTIONS = client('sync/sliding/connections')
const MEMBERSHIPS = client('sync/sliding/memberships')
const EXTENSIONS = client('sync/sliding/extensions')
const COST = client('sync/sliding/cost')
const POLLS = client('sync/sliding/polls')
const PROFILES = client('sync/sliding/profiles')
const LOST = client('sync/sliding/profiles-lost')

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
    ['everyone: devices && isNew,', 'everyone: false,', { title: 'a room that the user joins' }],
    ['slide.devices ? others.filter', 'false ? others.filter', { title: 'e2ee: whose devices' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/slide.ts', PROFILES, [
    ['const wanted = profiles ? (', 'const wanted = false ? (', { title: 'in rooms outside every list' }],
    ['at.profiles && !isLazy(config) ?', 'false ?', { title: 'tells of everybody in a room' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/profiles.ts', PROFILES, [
    ['if (!this.#known.has(userId)) ', '', { title: 'tells of everybody in a room' }],
    ['if (isInScope(parts.windows, asked, room)) due.meet', 'due.meet', { title: 'in those lists alone' }],
    ['    whole.delete(userId)\n', '', { title: 'shares no room any more' }],
    [
      'changed.filter((field) => this.#fields?.has(field) ?? true)',
      'changed',
      { title: 'the wanted fields alone' },
    ],
    ['.filter((field) => !Object.hasOwn(profile, field))', '.slice(0, 0)', { title: 'what is gone' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/profiles.ts', LOST, [
    ['      this.#left.has(userId) ||\n', '', { title: 'owes nothing' }],
    ['    if (profile === undefined) owed.set(userId, one)\n', '', { title: 'not reached' }],
  ]),
  ...inFile('durable-objects/user/sync/sliding/sent-rooms.ts', LOST, [
    ['...(profiles !== undefined && { profiles: storedProfiles(profiles) }),', '', { title: 'not reached' }],
  ]),
  ...inFile('durable-objects/user/account/profile-spread.ts', LOST, [
    [
      "if (!jobs().waitingFor('profile')) ",
      '',
      { equal: 'jobs that wait are done before long: a test would have to stop a Room' },
    ],
  ]),
  ...inFile('durable-objects/room/rows/members/profile-marks.ts', LOST, [
    ['if (!hasMarksSince(store, from)) return everyoneAt(store, to)\n', '', { title: 'made again' }],
    [
      'fields.length > FIELDS_OF_A_MEMBER ? [ALL] : fields',
      'fields',
      { equal: 'the count below does the same' },
    ],
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
    ['return isRemoved(room)', 'return false', { title: 'always shows a room' }],
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
