-- A group of sales for very many concerts writes one row instead of one for each of them.
-- Processes of older versions must have been stopped: they do not know of these rows. One that was
-- not is refused by what it writes to.

-- What it still writes now is waited for.
lock table sales in access exclusive mode;

-- What groups have sold and `sales` does not count yet: concerts and the seats sold of each, place
-- by place. There are some dozen rows usually, and the remains of those that were counted since the
-- last vacuum; who looks for `no > 0` goes through the index, which passes over them. Nothing is
-- gained by compressing random bytes, nor by giving room back that is needed again at once.
create table recent_sales (
    no           bigint     not null generated always as identity primary key,
    concert_ids  uuid[]     not null,
    seats        integer[]  not null,
    sold_at      bigint     not null,
    check (cardinality(concert_ids) = cardinality(seats)),
    check (0 < all (seats))
) with (
    vacuum_truncate = off,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

alter table recent_sales
    alter column concert_ids set storage external,
    alter column seats set storage external;

-- What each concert has sold, in several rows.
create view sold as
    select concert_id, sold
      from sales
     union all
    select sale.concert_id, sale.seats
      from recent_sales as r
     cross join unnest(r.concert_ids, r.seats) as sale (concert_id, seats)
     where r.no > 0;

-- One transaction at a time counts in `sales`, so that a concert needs one row only.
create temporary table counted on commit drop as
    select concert_id, sum(sold)::integer as sold, min(marked_at) as marked_at
      from sales
     group by concert_id;

truncate sales;

alter table sales
    drop constraint sales_pkey,
    drop column stripe,
    add primary key (concert_id);

insert into sales (concert_id, sold, marked_at)
select concert_id, sold, marked_at
  from counted;
