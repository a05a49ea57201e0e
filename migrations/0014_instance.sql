-- Which server this database belongs to: its keys, its objects and its Redis carry the same id.

create table instance (
  -- One row at most.
  one boolean primary key default true check (one),
  id text not null,
  -- Raised by a restore: what was handed out before it is not believed any more.
  generation bigint not null default 0,
  -- How often the server of this database was started, on one machine: parts that count differently are of different times.
  starts bigint not null default 0
);
