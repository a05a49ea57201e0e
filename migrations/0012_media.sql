-- The index of what users uploaded: R2 holds the bytes with these facts beside them.

create table media (
  media_id text collate "C" primary key,
  owner text collate "C" not null,
  content_type text not null,
  file_name text,
  -- Bytes.
  size bigint not null,
  -- In hexadecimal digits.
  sha256 text not null,
  created_ts bigint not null
);

create index media_by_owner on media (owner, created_ts);

-- The sum of each owner's sizes. One row is one lock: two uploads at once cannot both take the last of a quota.
create table media_usage (
  owner text collate "C" primary key,
  bytes bigint not null
);
