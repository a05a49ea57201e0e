-- What a rebuilt Room needs beside its PDUs: where state stood, which sends were done, and who forgot the room.

alter table events
  -- Device, path and transaction id of a local send: repeating it after a rebuild gives the same event again.
  add column txn text,
  -- Whether a state event was part of the room's state at its position.
  add column in_state boolean not null default true;

alter table room_memberships
  -- The user forgot the room after leaving it.
  add column forgotten boolean not null default false,
  -- The room's head when the user was erased; null: was not. Who came later sees their events redacted.
  add column erased_pos bigint;
