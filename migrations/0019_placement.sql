-- Where the objects were made: under another jurisdiction their names are those of other objects.

create table placement (
  -- One row at most.
  one boolean primary key default true check (one),
  -- As the settings name it; empty: none.
  jurisdiction text not null,
  location_hint text not null
);

-- Whatever is there already was made without either.
insert into placement (jurisdiction, location_hint)
select '', '' where exists (select 1 from accounts) or exists (select 1 from rooms) or exists (select 1 from user_records);
