/** Mistakes in the rules of sync: each has a test that fails without it, whatever the chance. */
import { client, inFile, type Mutant } from '../mutant.ts'

const MODEL = ['test/durable-objects/sync-model/sync-model.test.ts']
const RULES = ['test/faults/sync-rules.test.ts', 'test/faults/interrupted.test.ts']

const QUIET = ['test/workers/client/events/quiet-news.test.ts']

const BEHIND = ['test/workers/client/sync/behind.test.ts']

const ROUNDS = ['test/durable-objects/wake-rounds.test.ts']

const ADMISSION = ['test/durable-objects/user/admission.test.ts']

const LEAVING = ['test/workers/client/sync/sync-leaving.test.ts']

export const SYNC: readonly Mutant[] = [
  ...inFile('durable-objects/user/sync/streams/room-plan.ts', LEAVING, [
    [' || isRemoved(room)', '', { title: 'is in a first sync after a' }],
  ]),
  ...inFile('durable-objects/user/sync/streams/admission.ts', ADMISSION, [
    ['if (now - since < LOST_MS) break', 'break', { title: 'after a second' }],
    ['other.order > order', 'false', { title: 'that began first' }],
    ['if (this.#left <= 0)', 'if (false)', { title: '25 Rooms' }],
    ['if (this.#isFree) return question()', '', { title: 'at most three new rooms' }],
    ['newRooms <= FEW', 'true', { title: 'as the limit says' }],
  ]),
  ...inFile('durable-objects/user/sync/heads/known-heads.ts', RULES, [
    ['if (known !== undefined && known < head)', 'if ((known ?? 0) < head)', { title: 'makes none known' }],
    [
      'question.passed = Math.max(question.passed, head)',
      'question.passed = 0',
      { title: 'which overtook it' },
    ],
    [
      'lost(room: number): void {\n    this.forget(room)',
      'lost(_room: number): void {',
      { title: 'keeps nothing from another device' },
    ],
    [
      '    this.answered(question, undefined)',
      '    this.answered(question, 0)',
      { title: 'after the patience ran out' },
    ],
    ['question.doubtful = true', 'question.doubtful = false', { title: 'that a later answer held' }],
  ]),
  ...inFile('durable-objects/user/sync/heads/heads.ts', RULES, [
    [
      '    this.note(room)\n    this.raise(room, to)',
      '    this.raise(room, to)',
      { title: 'a wake is noted in the epoch' },
    ],
    ['if (subscribes) this.note(room)\n', '', { title: 'a room is noted as moved before it is asked' }],
    [
      'if (!level) doubt = true\n      else if',
      'if (!level) doubt = true\n      if',
      { title: 'leaves their tokens behind' },
    ],
    [
      '&& this.carries(room, ',
      '&& false && this.carries(room, ',
      { title: 'a new epoch carries over a room' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/heads/waiting.ts', RULES, [
    ['behind && vain < LOOKS', 'behind && vain < 0', { title: 'looks again before it waits' }],
    [
      'begins(behind: boolean): boolean {\n    return behind',
      'begins(_: boolean): boolean {\n    return false',
      { title: 'by that Room while it waits' },
    ],
    [
      'if (this.clients.isLevel(client)) this.clients.setLevel(client, false)',
      '{}',
      { title: 'leaves their tokens behind' },
    ],
    ['      if (!level && !asking) again = true\n', '', { title: 'keeps nothing from another device' }],
  ]),
  ...inFile(
    'durable-objects/user/sync/heads/heads.ts',
    MODEL,
    [
      ['!place.tail.has(room) && this.movedIn', 'this.movedIn'],
      ['this.movedIn(room) >= place.epoch : head >', 'this.movedIn(room) > place.epoch : head >'],
      ['moved.get(room) ?? (from', '(from'],
      ['? 0 : this.epochs.position(from, room))', '? 0 : 0)'],
    ],
    'all of its rules',
  ),
  ...inFile(
    'durable-objects/user/sync/heads/kept-increments.ts',
    MODEL,
    [
      ['chain.from > since || ', ''],
      [' || increment.from > chain.to)', ')'],
    ],
    'all of its rules',
  ),
  ...inFile('durable-objects/user/sync/sockets.ts', client('sync-poll'), [
    ['ofDevice.slice(0, -WAITING_OF_A_DEVICE)', '[]', { title: 'ends the oldest' }],
    ['poll.session.deviceId === deviceId)', 'true)', { title: 'ends no poll of another device' }],
  ]),
  ...inFile('durable-objects/user/sync/left-alone.ts', client('left-alone'), [
    ['if (!presence.rests || ', 'if (', { title: 'to a user that looks' }],
    [' || streams() > 0', '', { title: 'on a stream' }],
    ['!isDue && presence.rests && !isAnswered()', 'presence.rests', { title: 'for long|does not wait' }],
    ['if (showsActivity(', 'if (false && showsActivity(', { title: 'does something' }],
    ['typing.length > 0 || ', '', { title: 'waits for the message' }],
    [' || this.#parts.heads.leftTyping(room)', ' || true', { title: 'to have ended at once' }],
  ]),
  ...inFile('durable-objects/user/sync/sockets.ts', client('left-alone'), [
    ['poll.level || poll.left !== undefined', 'poll.level', { title: 'while a poll waits' }],
    [
      'const left = poll.level ? this.#left : undefined',
      'const left = undefined',
      { title: 'back after that' },
    ],
  ]),
  ...inFile(
    'durable-objects/user/sync/heads/heads.ts',
    ['test/durable-objects/sync-model/left-news.test.ts'],
    [[' || this.#left.to(room) > standing.position', '']],
  ),
  ...inFile('durable-objects/room/tell/subscribers.ts', RULES, [
    ['if (one.generation !== generation) return\n', '', { title: 'the answer to a wake from before a pull' }],
  ]),
  ...inFile('durable-objects/room/tell/subscribers.ts', QUIET, [
    ['    one.did = this.#quiet\n', '', { title: 'are told to their own user at once' }],
    ['this.#loud = Math.max(this.#loud, this.#quiet)', 'void 0', { title: 'are told when no message comes' }],
    [
      '    this.#quiet = this.#options.head()\n    const one = doer',
      '    this.#loud = this.#options.head()\n    const one = doer',
      { title: 'wake users that only look once a second' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/waiting.ts', QUIET, [
    ['pause >= timeoutMs || ', '', { title: 'a poll that does not want to wait' }],
  ]),
  ...inFile('durable-objects/user/sync/waiting.ts', BEHIND, [
    ['this.#parts.check(session)', 'void 0', { title: 'whose session ends while it waits' }],
    ['for (const goOn of this.#held) goOn()', '', { title: 'a poll that waits without a socket' }],
  ]),
  ...inFile('durable-objects/wake-rounds.ts', ROUNDS, [
    ['if (at > before) break', 'break'],
    ['this.#calledAt.set(userId, now)', 'void now'],
    [
      '    this.#calledAt.delete(userId)\n    this.#calledAt.set',
      '    this.#calledAt.set',
      { title: 'holds up nobody' },
    ],
    ['    this.#waiting.delete(userId)\n    this.#tell', '    this.#tell'],
    ['this.#calling.set(userId, now + PATIENCE_MS)', 'void 0'],
    ['parcel.waiting.clear()', 'void 0'],
    ['filter((other) => other !== parcel)', 'filter(() => true)'],
    ['&& caller.now() >= this.#expected)', '&& true)'],
    ['if (this.#waiting.size > 0 && turns > 0)', 'if (this.#waiting.size > 0)'],
    ['if (taken.length === MOST_USERS) break', ''],
  ]),
  ...inFile(
    'durable-objects/lateness.ts',
    ['test/durable-objects/lateness.test.ts'],
    [
      ['this.#late - WANTED_MS', 'this.#late'],
      ['(beyond > 0 ? GROWTH : SHRINKING)', 'GROWTH'],
      ['Math.min(since, LONGEST_STEP_MS)', 'LONGEST_STEP_MS'],
      ['now - this.#turnedAt > STALE_MS ? 0 : this.#pause', 'this.#pause'],
      ['Math.min(LONGEST_MS, Math.max', 'Math.min(10 * LONGEST_MS, Math.max'],
    ],
  ),
  ...inFile(
    'durable-objects/user/sync/gathering.ts',
    ['test/durable-objects/user/gathering.test.ts'],
    [
      ['Math.max(0, this.#servedAt + pause - now)', 'Math.max(0, pause)'],
      ['othersBegin ? IN_A_START_MS : this.#lateness.pause(now)', 'this.#lateness.pause(now)'],
    ],
  ),
]
