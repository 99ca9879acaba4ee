-- Tickets in the order of their writing, and the seats in tables of their own.
--
-- What decides a race for a seat is a key of concert and seat. In the tree of whole tickets such a
-- key spread the sale of a thousand concerts over as many pages a group: each ticket wrote a page
-- into the log and later into the file. Now a ticket is appended, and its seat goes into a small
-- tree of new seats, which is merged into the large one every few thousand seats.

create table written_tickets (
    -- A run of 64 numbers is a slot of the index by user.
    no             integer primary key,
    concert_id     blob    not null,
    seat_no        integer not null check (seat_no >= 0),
    id             blob    not null check (length(id) = 16),
    user_id        blob    not null check (length(user_id) = 16),
    bought_at      integer not null,
    print          text    not null default 'none'
                   check (print in ('none', 'pending', 'done', 'failed')),
    print_version  integer not null default 0
) strict;

insert into written_tickets (
    no, concert_id, seat_no, id, user_id, bought_at, print, print_version)
select row_number() over (order by slot, bought_at, concert_id, seat_no) - 1,
       concert_id, seat_no, id, user_id, bought_at, print, print_version
  from tickets;

drop table tickets;

alter table written_tickets
    rename to tickets;

create unique index tickets_id
    on tickets (id);

create index tickets_user
    on tickets (no >> 6, user_id);

-- Which ticket has which seat. A seat is in one of the two tables: who writes looks into the other
-- one first, and only one transaction writes at a time.
create table seats (
    concert_id  blob    not null,
    seat_no     integer not null check (seat_no >= 0),
    ticket_no   integer not null,
    primary key (concert_id, seat_no)
) strict, without rowid;

create table new_seats (
    concert_id  blob    not null,
    seat_no     integer not null check (seat_no >= 0),
    ticket_no   integer not null,
    primary key (concert_id, seat_no)
) strict, without rowid;

insert into seats (concert_id, seat_no, ticket_no)
select concert_id, seat_no, no
  from tickets
 order by concert_id, seat_no;

create view sold_seats as
select concert_id, seat_no, ticket_no
  from seats
 union all
select concert_id, seat_no, ticket_no
  from new_seats;
