-- How far people have read, as the Room objects' logs tell it: what a rebuilt Room shows and counts from.

create table receipts (
  room_id text collate "C" not null,
  user_id text collate "C" not null,
  -- m.read or m.read.private.
  receipt_type text not null,
  -- The root of a thread, or main; empty: of the whole room.
  thread_id text collate "C" not null,
  event_id text collate "C" not null,
  -- The room's position of that event.
  event_pos bigint not null,
  ts bigint not null,
  -- Of the receipt itself: an older one never replaces a newer.
  pos bigint not null,
  primary key (room_id, user_id, receipt_type, thread_id)
);
