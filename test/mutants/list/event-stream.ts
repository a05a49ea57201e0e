/** Mistakes in the event stream: at the Room that tells, and at the partition that keeps and shares. */
import { inFile, type Mutant } from '../mutant.ts'

const stream = (name: string) => [`test/event-stream/${name}.test.ts`]
const FAULTS = ['test/faults/event-stream.test.ts']
const ROUNDS = ['test/durable-objects/room/event-rounds.test.ts']
const READERS = ['test/event-stream/readers.test.ts']
const HELD = ['test/durable-objects/room/held-news.test.ts']

export const EVENT_STREAM: readonly Mutant[] = [
  ...inFile('durable-objects/partition/topic-log.ts', stream('deliveries'), [
    ['if (upTo <= known) return []\n', ''],
    ['records.filter(({ pos }) => pos > known)', 'records'],
    ['    this.#rememberPosition(source, upTo)\n', ''],
    ['    notePosition(this.#sql, source, upTo)\n', ''],
    ['limit - count)', 'limit)'],
  ]),
  ...inFile('durable-objects/partition/topic-log.ts', stream('read'), [
    ['next: next + records.length, total: total + size', 'next, total', { title: 'event by event' }],
    ['const skipped = Math.max(0, next - start)', 'const skipped = 0', { title: 'begins at any offset' }],
    ['    if (asked > end)\n', '    if (asked > end + 1)\n', { title: 'refused beyond it' }],
  ]),
  ...inFile('durable-objects/partition/topic-log.ts', stream('retention'), [
    ['        writeEnd(this.#sql, { topic, next, total })\n', '', { title: 'no offset is given twice' }],
    ['atOnce }))\n      this.#ends.clear()\n', 'atOnce }))\n', { title: 'no offset is given twice' }],
    ['if (goesAt > now && !isTooMuch)', 'if (goesAt > now)', { title: 'the oldest records go first' }],
  ]),
  ...inFile('durable-objects/partition/topic-log.ts', stream('erasure'), [
    [
      '    rewriteLines(this.#sql, batch.place, changed + padding)\n',
      '',
      { title: 'whose offset and neighbours' },
    ],
  ]),
  ...inFile('durable-objects/partition/partition.ts', stream('read'), [
    ['      this.#waits.end(topic)\n', '', { title: 'that waits is answered' }],
  ]),
  ...inFile('durable-objects/partition/partition.ts', stream('sockets'), [
    ['      this.#sockets.serve(topic)\n', '', { title: 'are given what comes' }],
  ]),
  ...inFile('durable-objects/partition/sockets.ts', stream('sockets'), [
    [' || next > known.sent', '', { title: 'was not sent yet' }],
    ['if (attached(socket)?.token === tokenId)', 'if (false)', { title: 'when their token is revoked' }],
  ]),
  ...inFile('durable-objects/partition/consumers.ts', READERS, [
    ['    this.#readAt = this.#parts.now()\n', '', { title: 'has read a moment ago' }],
    ['this.#parts.now() < this.#readAt + COMES_BACK_MS', 'true', { title: 'by nobody' }],
  ]),
  ...inFile('durable-objects/partition/partition.ts', READERS, [
    ['consumers.hasReader || this.ctx', 'this.ctx', { title: 'has read a moment ago' }],
    [
      'consumers.hasReader || this.ctx.getWebSockets().length > 0',
      'consumers.hasReader',
      { title: 'a socket' },
    ],
  ]),
  ...inFile('durable-objects/partition/rpc.ts', READERS, [
    [
      '      const answer = isRead()\n      grown(logs.append(deliveries))\n      return beforeAnswer() ?? answer',
      '      grown(logs.append(deliveries))\n      return beforeAnswer() ?? isRead()',
      { title: 'has waited since before', equal: 'one that waits reads as soon as it is told' },
    ],
  ]),
  ...inFile('durable-objects/partition/consumers.ts', stream('read'), [
    ['if (id !== undefined && isRevoked(this.#sql, id))', 'if (false)', { title: 'once it was revoked' }],
  ]),
  ...inFile('durable-objects/partition/consumers.ts', stream('groups'), [
    ['return epoch < (', 'return epoch + 1 < (', { title: 'shows an older epoch' }],
    ['?.next ?? from', '?.epoch ?? from', { title: 'shares nothing' }],
  ]),
  ...inFile('durable-objects/partition/group-state.ts', stream('group-state'), [
    ['return generation === next.generation ? letGo(next, memberId) : next', 'return letGo(next, memberId)'],
    ['(memberOf(state, holder) !== undefined && !isFree(share))', '!isFree(share)'],
    ['    epoch += 1\n', ''],
    ['if (has === least) larger -= 1\n', ''],
    ['holder === memberId && target === memberId)', 'target === memberId)'],
  ]),
  ...inFile('durable-objects/room/tell/event-rounds.ts', ROUNDS, [
    ['if (isTooLate || caller.now() >= this.#expected) ', ''],
    ['if (isTooLate || ', 'if ('],
    ['    if (isUrgent) this.#isUrgent = true\n', ''],
    ['Math.max(caller.now(), this.dueAt)', 'this.dueAt'],
    ['const at = Math.max(now, this.dueAt)', 'const at = now'],
    ['    if (!this.#isRead && !this.#isUrgent) return UNREAD_MS\n', ''],
    ['    this.#isUrgent = false\n', ''],
    ['this.#isRead = await', 'await'],
    ['if (number !== this.#callers) return\n    this.#expected = Number', 'this.#expected = Number'],
    [' && turns > 0', ''],
    ['      if (length > MOST_LENGTH) break\n', ''],
    ['if (teller.taken(delivery)) this.#waiting.add(teller)', 'teller.taken(delivery)'],
    ['teller.lost(delivery)', 'teller.taken(delivery)'],
    ['Math.max(0, this.#late - USUAL_MS)', 'this.#late'],
  ]),
  ...inFile('durable-objects/room/tell/held-news.ts', HELD, [
    ['!logged && !rewritten && !moved && given', '!rewritten && !moved && given'],
    ['!logged && !rewritten && !moved && given', '!logged && !moved && given'],
    ['given === appended.length + read.length && ', ''],
    ['if (news.pos > end || length > MOST_LENGTH) break', 'if (news.pos > end) break'],
    ['if (news.pos > end || length > MOST_LENGTH) break', 'if (length > MOST_LENGTH) break'],
    ['    if (read.length > 0) this.#news.sort((a, b) => a.pos - b.pos)\n', ''],
    ['event.state_key === undefined && ', ''],
    ['return given === 0 || marked || typingChanged', 'return true'],
    [' || this.#news.length + given > MOST_HELD', ''],
  ]),
  ...inFile('durable-objects/room/tell/event-teller.ts', stream('calls'), [
    ['    this.#held.drop(told)\n', ''],
  ]),
  ...inFile('durable-objects/room/tell/event-teller.ts', FAULTS, [
    ['    return this.#held.hasUpTo(this.#safe)\n', '    return false\n', { equal: 'the alarm tells it' }],
    [
      '    if (!this.#hasNews) this.#cursor.settle()\n',
      '',
      { title: 'keeps for the stream what the archive has' },
    ],
    [
      '      this.#withdraw()\n      if (await',
      '      if (await',
      { equal: 'the partition drops what comes twice' },
    ],
    [
      '    this.#isFailing = true\n    this.#forget()\n',
      '    this.#forget()\n',
      { equal: 'only less patient' },
    ],
    [
      '    if (delivery !== this.#out) return\n    this.#isFailing',
      '    this.#isFailing',
      { equal: 'the alarm tells it' },
    ],
  ]),
  ...inFile('durable-objects/room/tell/stream-cursor.ts', FAULTS, [
    [
      'if (archived >= position || position',
      'if (position',
      { title: 'keeps for the stream what the archive has' },
    ],
  ]),
]
