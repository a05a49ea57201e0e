/** The Room's own tables. Append-only: a change is a new entry at the end. */

import { DELAYED_EVENTS_TABLE } from './delayed-store.ts'
import { DEVICE_MARKS_TABLE } from './device-marks.ts'
import { ERASED_TABLE, ERASING_TABLE } from './erasures.ts'
import { FORGOTTEN_TABLE } from './forgotten.ts'
import { LOG_TABLE } from './log.ts'
import { MEMBER_FEED_TABLE } from './member-feed.ts'
import { PUSH_MEMBERS_TABLE, PUSH_READS_COLUMN } from './push-members.ts'
import { RECEIPTS_TABLE } from './receipts.ts'
import { SUBSCRIBERS_TABLE } from './subscribers.ts'

export const ROOM_MIGRATIONS: readonly string[] = [
  `
  -- Every event, by its position in the room. An event costs two rows, and a third with a transaction id.
  CREATE TABLE events (
    pos INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    state_key TEXT,
    sender TEXT NOT NULL,
    ts INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    -- 0 for an event that clients see; otherwise the bits of flags.ts.
    flags INTEGER NOT NULL DEFAULT 0,
    -- The position after which the state before this event was current; null: all prev_events were the forward
    -- extremities, so it is the position before its own.
    state_pos INTEGER,
    -- Chain cover of the auth graph; state events only.
    chain INTEGER,
    seq INTEGER,
    -- Device, path and transaction id of a local send.
    txn TEXT,
    -- Canonical JSON, signatures included.
    pdu TEXT NOT NULL
  );
  CREATE UNIQUE INDEX events_by_txn ON events (sender, txn) WHERE txn IS NOT NULL;
  CREATE UNIQUE INDEX events_by_chain ON events (chain, seq) WHERE chain IS NOT NULL;

  -- Chain cover: what (chain, seq) reaches outside its own chain, but for what its predecessors reach.
  CREATE TABLE chain_links (
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    to_chain INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    PRIMARY KEY (chain, seq, to_chain)
  ) WITHOUT ROWID;

  -- State as intervals of positions: an entry is valid from from_pos to before to_pos; current: to_pos is null.
  CREATE TABLE state (
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    from_pos INTEGER NOT NULL,
    to_pos INTEGER,
    event_id TEXT NOT NULL,
    -- The membership, or the history visibility, so that visibility needs no event.
    value TEXT,
    PRIMARY KEY (type, state_key, from_pos)
  ) WITHOUT ROWID;
  CREATE INDEX state_current ON state (type, state_key) WHERE to_pos IS NULL;
  CREATE INDEX state_by_pos ON state (from_pos);

  -- Current memberships, to count them and to find the joined ones.
  CREATE TABLE members (
    user_id TEXT PRIMARY KEY,
    membership TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- The position at which this membership began (a new profile does not begin one).
    since_pos INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX members_by_membership ON members (membership, since_pos);
  ` +
    MEMBER_FEED_TABLE +
    SUBSCRIBERS_TABLE +
    LOG_TABLE,
  `
  -- Which event relates to which: one row for an event that has a relation, gone when it is redacted.
  CREATE TABLE relations (
    parent_id TEXT NOT NULL,
    rel_type TEXT NOT NULL,
    child_pos INTEGER NOT NULL,
    child_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    type TEXT NOT NULL,
    -- Of annotations.
    key TEXT,
    PRIMARY KEY (parent_id, rel_type, child_pos)
  ) WITHOUT ROWID;

  -- The times of 256 positions each, for jumps to a date: made from the events when first asked for.
  CREATE TABLE time_blocks (
    block INTEGER PRIMARY KEY,
    min_ts INTEGER NOT NULL,
    max_ts INTEGER NOT NULL
  );
  `,
  FORGOTTEN_TABLE + DELAYED_EVENTS_TABLE,
  ERASED_TABLE,
  RECEIPTS_TABLE,
  ERASING_TABLE,
  DEVICE_MARKS_TABLE,
  PUSH_MEMBERS_TABLE,
  PUSH_READS_COLUMN,
]
