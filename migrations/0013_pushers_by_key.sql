-- Whose pushers bear an app and a pushkey: a new pusher ends those of other users.

create index user_records_pushers on user_records (key) where kind = 'pusher' and body is not null;
