-- Pictures of previews of URLs, which are kept for a while: whose look brought each, and when it was last wanted.

create table preview_pictures (
  media_id text collate "C" primary key,
  owner text collate "C" not null,
  -- Bytes.
  size bigint not null,
  seen_ts bigint not null
);

create index preview_pictures_by_owner on preview_pictures (owner, seen_ts);
create index preview_pictures_by_age on preview_pictures (seen_ts);
