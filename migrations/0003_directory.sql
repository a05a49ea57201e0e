-- Names for rooms, and the rooms that the public directory lists.

create table aliases (
  alias text collate "C" primary key,
  room_id text collate "C" not null,
  creator text collate "C" not null,
  created_ts bigint not null,
  -- Reserved for a room about to be created: others may have it from then on. Null: confirmed.
  pending_until bigint
);
create index aliases_by_room on aliases (room_id);

create table public_rooms (
  room_id text collate "C" primary key,
  listed boolean not null,
  -- Of the change in the room's log: an older one never replaces a newer.
  pos bigint not null
);
create index public_rooms_listed on public_rooms (room_id) where listed;
