-- The keys by which what other servers sign is checked.

create table server_keys (
  server_name text collate "C",
  key_id text collate "C",
  public_key text not null,
  -- It counts for what was signed up to this time, ms.
  valid_until_ts bigint not null,
  -- The server signs nothing more with it.
  ended boolean not null,
  fetched_ts bigint not null,
  primary key (server_name, key_id)
);

-- Servers that did not tell their keys: they are left alone until then.
create table server_key_failures (
  server_name text collate "C" primary key,
  failures integer not null,
  retry_ts bigint not null
);

create index server_key_failures_by_time on server_key_failures (retry_ts);
