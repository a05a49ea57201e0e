-- What users reported to the people who run the server.

create table reports (
  id bigint generated always as identity primary key,
  -- Of a room, of an event in it, or of a user.
  room_id text collate "C",
  event_id text collate "C",
  user_id text collate "C",
  reporter text collate "C" not null,
  reason text not null,
  received_ts bigint not null
);
