-- What venues say of their shows: hours, terms, prices.

create table shows (
    concert_id  uuid  not null primary key references concerts (id),
    starts_at   text  check (starts_at ~ '^[0-2][0-9]:[0-5][0-9]$'),
    doors_at    text  check (doors_at ~ '^[0-2][0-9]:[0-5][0-9]$'),
    time_zone   text,
    terms       text,
    -- A JSON object of texts: what a seat of each category costs.
    prices      text  not null
);
