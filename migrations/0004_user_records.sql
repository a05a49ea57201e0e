-- The archive of users: what a User object needs to be rebuilt, one row a fact.

create table user_records (
  user_id text collate "C" not null,
  -- device, account_data, filter, …
  kind text collate "C" not null,
  key text collate "C" not null,
  -- The place in the user's own log: an older change never replaces a newer.
  seq bigint not null,
  -- JSON as text; null: deleted.
  body text,
  primary key (user_id, kind, key)
);
