-- Seating layouts, as they were uploaded, and which one a concert has.

-- Documents are compressed already as the server keeps long values, beside the table.
create table layouts (
    id        uuid    not null primary key,
    name      text    not null,
    seats     integer not null check (seats between 1 and 1000000),
    document  bytea   not null
);

alter table concerts
    add column layout_id uuid references layouts (id);
