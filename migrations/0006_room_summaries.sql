-- What lists of rooms and of people show, derived from the archived state.

create table room_summaries (
  room_id text collate "C" primary key,
  -- name, topic, canonical_alias, avatar_url, join_rule, history_visibility, guest_access, room_type, encryption;
  -- and, under `folded`, what a search compares of the texts among them.
  facts jsonb not null default '{}',
  joined_members integer not null default 0
);

-- The profile that a member event carries; only on those who are joined.
alter table room_memberships add column display_name text;
alter table room_memberships add column avatar_url text;
-- Display name and user id as a search compares them.
alter table room_memberships add column folded text collate "C";

create index room_memberships_joined on room_memberships (room_id) where membership = 'join';
