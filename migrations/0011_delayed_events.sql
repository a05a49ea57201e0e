-- Events that wait to be sent (MSC4140), as the Room objects' logs tell them: a rebuilt Room sends them still.

create table delayed_events (
  room_id text collate "C" not null,
  delay_id text collate "C" not null,
  -- The Room's row as JSON; null: the Room has forgotten it.
  body text,
  -- Of the change: an older one never replaces a newer.
  pos bigint not null,
  primary key (room_id, delay_id)
);
