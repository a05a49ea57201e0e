-- The archive of rooms: derived from the Room objects' logs, and enough to rebuild them.
-- Text columns hold no NUL: in those made for lookup it stands as U+2400, and PDUs keep it as their own JSON escape.

create table rooms (
  room_id text collate "C" primary key,
  version text not null,
  -- The highest position of the room's log that has been applied.
  archived_pos bigint not null default 0
);

create table events (
  event_id text collate "C" primary key,
  room_id text collate "C" not null,
  -- The room's position of it; backfilled history goes downwards.
  pos bigint not null,
  depth bigint not null,
  type text collate "C" not null,
  -- Null: not a state event.
  state_key text collate "C",
  sender text collate "C" not null,
  ts bigint not null,
  -- The canonical JSON, as text: jsonb would lose the order of keys and refuse some strings.
  pdu text not null,
  redacted boolean not null default false
);
create index events_by_position on events (room_id, pos);

-- The current state of every room.
create table room_state (
  room_id text collate "C" not null,
  type text collate "C" not null,
  state_key text collate "C" not null,
  event_id text collate "C" not null,
  -- Of the change: an older one never replaces a newer.
  pos bigint not null,
  primary key (room_id, type, state_key)
);

create table room_memberships (
  room_id text collate "C" not null,
  user_id text collate "C" not null,
  membership text not null,
  event_id text collate "C" not null,
  pos bigint not null,
  primary key (room_id, user_id)
);
create index room_memberships_by_user on room_memberships (user_id, membership);
