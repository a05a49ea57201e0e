-- Accounts and the tokens that let people register. Files here are append-only: a change is a new file.

create table accounts (
  -- Without "@" and server name. A deactivated account keeps its name for ever.
  localpart text collate "C" primary key,
  -- $scrypt$ln=…,r=…,p=…$salt$hash; null: nobody can log in by password.
  password_hash text,
  admin boolean not null default false,
  deactivated boolean not null default false,
  -- Milliseconds since the epoch, as everywhere.
  created_ts bigint not null,
  -- The interactive-auth session that made it: repeating that request gives the same account again.
  created_by_session text
);

create table registration_tokens (
  token text collate "C" primary key,
  -- Null: without limit.
  uses_allowed integer,
  uses integer not null default 0,
  -- Null: never.
  expires_ts bigint
);
