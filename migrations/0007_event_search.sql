-- The text index of events that people may search: gone with the text when an event is redacted.

create table event_search (
  event_id text collate "C" primary key,
  room_id text collate "C" not null,
  pos bigint not null,
  ts bigint not null,
  type text collate "C" not null,
  sender text collate "C" not null,
  has_url boolean not null,
  -- Terms and their places, made by src/search/terms.ts: no dictionary or parser of Postgres has a say in it.
  document tsvector not null
);
create index event_search_by_term on event_search using gin (document);
create index event_search_by_room on event_search (room_id, ts desc);
