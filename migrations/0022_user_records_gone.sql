-- What was deleted, until no batch can come again that held it: looked for by its place in the user's log.

create index user_records_gone on user_records (user_id, seq) where body is null;
