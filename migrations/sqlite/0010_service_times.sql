-- How long jobs of each kind take, as workers learned it, and for how long each lease was taken.

-- Whoever starts anew begins with what others have learned. One row for each kind.
create table service_times (
    kind        text     not null primary key,
    queue       text     not null,
    seconds     real     not null check (seconds >= 0),
    runs        integer  not null check (runs >= 0),
    learned_at  integer  not null
) strict, without rowid;

-- A lease that began in the future was taken by a clock that was wrong, and is not believed. One of
-- a version that did not write this seems to have begun at its end: it is free at once.
alter table leases
    add column lasts integer not null default 0 check (lasts >= 0);
