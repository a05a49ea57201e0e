/** Which of an object's tables the archive gives back, and why the others are not among them. */
import type { ObjectKind } from '../test-server.ts'

/** What the archive gives back. A partition of the event stream is a log by itself; a Destination has only marks. */
export type ArchivedKind = Exclude<ObjectKind, 'PARTITION' | 'DESTINATION'>

export interface TableRule {
  /** Why nothing of the table is compared. */
  left?: string
  /** Columns that are not compared, and why. */
  but?: Readonly<Record<string, string>>
  /** What a column is compared as, in SQL. */
  as?: Readonly<Record<string, string>>
}

const CONSUMED = 'what is on its way to others; nothing that lasts'
const NEW_PLACES = 'a rebuilt object gives places anew'
const DELAYED_ANEW = 'a full delay begins when the room comes back'
const MADE_AGAIN = 'made again from the rest when it is needed'

/** A table that is not named here is compared whole. */
export const TABLE_RULES: Readonly<Record<ArchivedKind, Readonly<Record<string, TableRule>>>> = {
  ROOM: {
    meta: { left: NEW_PLACES },
    log: { left: CONSUMED },
    member_feed: { left: CONSUMED },
    subscribers: { left: 'every member is told anew, and asks' },
    events: {
      but: { chain: MADE_AGAIN, seq: MADE_AGAIN },
      // An erased user repeats no send, and the archive forgets theirs at once.
      as: {
        // Blanks cover what a redaction took.
        pdu: 'rtrim(pdu)',
        txn: 'CASE WHEN sender IN (SELECT user_id FROM erased) THEN NULL ELSE txn END',
      },
    },
    chain_links: { left: MADE_AGAIN },
    time_blocks: { left: MADE_AGAIN },
    receipts: { but: { pos: NEW_PLACES } },
    device_marks: { left: 'who asks for changes of before is told of everybody' },
    profile_marks: { left: 'who asks for changes of before is told of everybody' },
    servers: { but: { from_pos: NEW_PLACES, to_pos: NEW_PLACES } },
    push_members: { left: 'each member tells whether it has pushers' },
    erasing: { left: CONSUMED },
    delayed_events: { but: { running_since: DELAYED_ANEW, send_at: DELAYED_ANEW } },
  },
  USER: {
    meta: { left: NEW_PLACES },
    log: { left: CONSUMED },
    devices: { but: { last_seen_ts: 'not worth a write', last_seen_ip: 'not worth a write' } },
    rooms: {
      but: {
        no: NEW_PLACES,
        own: NEW_PLACES,
        pos: NEW_PLACES,
        stripped: 'what is current then',
        at: 'orders lists of rooms alone',
        by_other: 'compared with what the membership was',
      },
      // Whether the user was put out of the room: nothing else of the two lasts.
      as: { was: `CASE WHEN membership IN ('leave', 'ban') THEN by_other AND was IS 'join' END` },
    },
    account_data: { but: { pos: NEW_PLACES } },
    thread_subscriptions: { but: { pos: NEW_PLACES } },
    epochs: { left: NEW_PLACES },
    moved: { left: NEW_PLACES },
    device_epochs: { left: NEW_PLACES },
    connections: { left: 'clients begin anew' },
    connection_states: { left: 'clients begin anew' },
    room_order: { left: MADE_AGAIN },
    device_changes: { left: 'tokens of before are answered as after a long absence' },
    profile_changes: { left: 'clients begin anew' },
    revoked: { left: CONSUMED },
    inbox: { left: 'to-device messages are nowhere but here' },
    inbox_heard: { left: 'to-device messages are nowhere but here' },
    outbox: { left: CONSUMED },
    outbox_txns: { left: CONSUMED },
    push_queue: { left: CONSUMED },
    push_retries: { left: CONSUMED },
    push_badges: { left: MADE_AGAIN },
    push_told: { left: 'a number too many does no harm' },
    one_time_keys: { left: 'given out twice they would be worse than gone' },
    fallback_keys: { left: 'clients upload them again' },
    read_markers: { left: 'guards an order that the rebuild ends' },
    room_jobs: { left: CONSUMED },
    event_outbox: { left: CONSUMED },
  },
}
