-- How many aliases somebody has made.

create index aliases_by_creator on aliases (creator);
