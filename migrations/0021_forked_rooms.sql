-- Rooms that other servers share: events beside the line in which the others stand, and what a Room keeps of them.

alter table events
  -- 0: people see the event; otherwise what the Room made of it, as its own column says.
  add column flags smallint not null default 0,
  -- The states before and after the event, where it did not follow on all that was there: a position, and groups over it.
  add column state_pos bigint,
  add column state_group bigint,
  add column after_group bigint,
  -- The position of the log by which the event came to its place, if it did not come there as the newest. A later
  -- one never gives way to an earlier.
  add column placed_pos bigint;

create table room_records (
  room_id text collate "C" not null,
  -- group, move, gap, staged or extremities.
  kind text collate "C" not null,
  key text collate "C" not null,
  -- JSON, as the Room reads it back.
  body text not null,
  -- Of the change.
  pos bigint not null,
  primary key (room_id, kind, key)
);
