-- The display name of a profile as searches compare it; null: none, or written before this column was.

alter table user_records add column folded text collate "C";
