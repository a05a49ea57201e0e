-- What lies in IPFS, where media are kept there: Kubo holds bytes by their hash alone, so what they are called stands here.

create table ipfs_objects (
  -- As the key of an object of R2, such as media/<media id>.
  key text collate "C" primary key,
  -- The content; null where there are no bytes.
  cid text,
  -- What is pinned for it: a folder of its own around the content, so that no two keys share a pin.
  pin text,
  -- Bytes.
  size bigint not null,
  etag text not null,
  content_type text,
  -- What else is kept with it.
  custom jsonb not null,
  modified_ts bigint not null
);

-- Pins whose object is gone: they are here until Kubo has let them go.
create table ipfs_unpins (
  pin text primary key,
  since_ts bigint not null
);
