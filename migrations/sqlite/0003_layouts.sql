-- Seating layouts, as they were uploaded, and which one a concert has.

-- Documents are large and read by their key alone: a table with rowids keeps them out of the
-- tree of keys.
create table layouts (
    id        blob    not null primary key check (length(id) = 16),
    name      text    not null,
    seats     integer not null check (seats between 1 and 1000000),
    document  blob    not null
) strict;

alter table concerts
    add column layout_id blob references layouts (id);
