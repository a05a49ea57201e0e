-- What an account is besides a user: a guest, or somebody who asked to be forgotten.

alter table accounts add column guest boolean not null default false;
-- With `deactivated`: the user's events are shown redacted to whoever joins a room later.
alter table accounts add column erased boolean not null default false;
