-- Concerts have numbers, by which their tickets, seats and sales are kept.
--
-- A group of sales writes a seat and a count for nearly as many concerts as it has tickets. With a
-- number of two bytes in the place of an id of sixteen, the trees it writes to have half as many
-- pages, and so has the log.
--
-- There is no index by user any more: a slot is a run of 64 tickets on two pages of the table, and
-- whoever looks for a user's tickets knows which slots to read.

create table numbered_concerts (
    no          integer primary key,
    id          blob    not null unique check (length(id) = 16),
    name        text    not null,
    venue       text    not null,
    date        text    not null check (date glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    capacity    integer not null check (capacity between 0 and 1000000),
    status      text    not null check (status in ('ACTIVE', 'CANCELLED', 'SOLD_OUT')),
    version     integer not null check (version >= 1),
    created_at  integer not null,
    layout_id   blob    references layouts (id)
) strict;

insert into numbered_concerts (
    id, name, venue, date, capacity, status, version, created_at, layout_id)
select id, name, venue, date, capacity, status, version, created_at, layout_id
  from concerts
 order by id;

create table numbered_sales (
    concert_no  integer primary key references numbered_concerts (no),
    sold        integer not null default 0 check (sold >= 0),
    marked_at   integer
) strict;

insert into numbered_sales (concert_no, sold, marked_at)
select c.no, s.sold, s.marked_at
  from sales as s
  join numbered_concerts as c
    on c.id = s.concert_id;

-- These two stay as they are; only the table that they refer to is another one.
create table numbered_plans (
    concert_id  blob    not null primary key references numbered_concerts (id),
    version     integer not null,
    sold        integer not null,
    file        text    not null,
    read_at     integer not null
) strict, without rowid;

insert into numbered_plans (concert_id, version, sold, file, read_at)
select concert_id, version, sold, file, read_at
  from plans;

create table numbered_shows (
    concert_id  blob  not null primary key references numbered_concerts (id),
    starts_at   text  check (starts_at glob '[0-2][0-9]:[0-5][0-9]'),
    doors_at    text  check (doors_at glob '[0-2][0-9]:[0-5][0-9]'),
    time_zone   text,
    terms       text,
    -- A JSON object of texts: what a seat of each category costs.
    prices      text  not null
) strict, without rowid;

insert into numbered_shows (concert_id, starts_at, doors_at, time_zone, terms, prices)
select concert_id, starts_at, doors_at, time_zone, terms, prices
  from shows;

-- There is no foreign key to concerts: the statement that inserts joins them anyway, and no
-- concert is ever deleted.
create table numbered_tickets (
    -- A run of 64 numbers is a slot.
    no             integer primary key,
    concert_no     integer not null,
    seat_no        integer not null check (seat_no >= 0),
    id             blob    not null check (length(id) = 16),
    user_id        blob    not null check (length(user_id) = 16),
    bought_at      integer not null,
    print          text    not null default 'none'
                   check (print in ('none', 'pending', 'done', 'failed')),
    print_version  integer not null default 0
) strict;

insert into numbered_tickets (
    no, concert_no, seat_no, id, user_id, bought_at, print, print_version)
select t.no, c.no, t.seat_no, t.id, t.user_id, t.bought_at, t.print, t.print_version
  from tickets as t
 cross join numbered_concerts as c
 where c.id = t.concert_id
 order by t.no;

create table numbered_seats (
    concert_no  integer not null,
    seat_no     integer not null check (seat_no >= 0),
    ticket_no   integer not null,
    primary key (concert_no, seat_no)
) strict, without rowid;

-- Numbers are in the order of ids, so nothing is sorted.
insert into numbered_seats (concert_no, seat_no, ticket_no)
select c.no, s.seat_no, s.ticket_no
  from numbered_concerts as c
 cross join seats as s
 where s.concert_id = c.id
 order by c.no, s.seat_no;

insert into numbered_seats (concert_no, seat_no, ticket_no)
select c.no, s.seat_no, s.ticket_no
  from numbered_concerts as c
 cross join new_seats as s
 where s.concert_id = c.id
 order by c.no, s.seat_no;

-- Rows of a concert that is not there would be left behind without a word. There are none, unless
-- somebody wrote them by hand: then nothing is changed. The name is what the operator reads.
create temporary table left_behind (
    rows  integer not null
          constraint "rows of unknown concerts: the audit of the version before names them"
          check (rows = 0)
) strict;

insert into left_behind (rows)
select (select count(*) from tickets) - (select count(*) from numbered_tickets)
 union all
select (select count(*) from sold_seats) - (select count(*) from numbered_seats);

drop table left_behind;

drop view sold_seats;
drop table new_seats;
drop table seats;
drop table tickets;
drop table shows;
drop table plans;
drop table sales;
drop table concerts;

alter table numbered_concerts rename to concerts;
alter table numbered_sales rename to sales;
alter table numbered_plans rename to plans;
alter table numbered_shows rename to shows;
alter table numbered_tickets rename to tickets;
alter table numbered_seats rename to seats;

create index sales_marked
    on sales (marked_at)
    where marked_at is not null;

create unique index tickets_id
    on tickets (id);

-- As `seats`. A seat is in one of the two: who writes looks into the other one first, and only one
-- transaction writes at a time.
create table new_seats (
    concert_no  integer not null,
    seat_no     integer not null check (seat_no >= 0),
    ticket_no   integer not null,
    primary key (concert_no, seat_no)
) strict, without rowid;

create view sold_seats as
select concert_no, seat_no, ticket_no
  from seats
 union all
select concert_no, seat_no, ticket_no
  from new_seats;
