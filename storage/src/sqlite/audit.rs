//! Looks for what must never be. Each query names what it found in words.

use domain::audit::{Invariant, Violation};
use domain::ports::StoreResult;
use sqlx::SqliteConnection;

use super::failure::failed;

/// Also finds tickets that do not have the one seat of their own that they name: its key is what
/// keeps a seat from being sold twice.
const OVERSOLD: &str = "
    select 'concert ' || iif(c.no is null, 'number ' || t.concert_no, lower(hex(c.id)))
           || ' has ' || sum(t.seats) || ' tickets for ' || coalesce(c.capacity, 'no')
           || ' seats, the highest being seat ' || max(t.highest)
      from (select concert_no, count(*) as seats, max(seat_no) as highest
              from seats
             group by concert_no
             union all
            select concert_no, count(*), max(seat_no)
              from new_seats
             group by concert_no) as t
      left join concerts as c
        on c.no = t.concert_no
     group by t.concert_no
    having c.no is null
        or sum(t.seats) > c.capacity
        or max(t.highest) >= c.capacity
     union all
    select 'seat ' || s.seat_no || ' of concert '
           || coalesce((select lower(hex(id)) from concerts where no = s.concert_no),
                       'number ' || s.concert_no)
           || ' is sold, but not to ticket number ' || s.ticket_no
      from sold_seats as s
      left join tickets as t
        on t.no = s.ticket_no
       and t.concert_no = s.concert_no
       and t.seat_no = s.seat_no
     where t.no is null
     union all
    select tickets || ' tickets have ' || seats || ' seats'
      from (select (select count(*) from tickets) as tickets,
                   (select count(*) from seats) + (select count(*) from new_seats) as seats)
     where tickets <> seats
     limit ?1";

const SOLD_COUNT: &str = "
    select 'concert ' || lower(hex(c.id)) || ' counts ' || coalesce(s.sold, 'no')
           || ' sales and has ' || coalesce(t.tickets, 0) || ' tickets'
      from concerts as c
      left join sales as s
        on s.concert_no = c.no
      left join (select concert_no, sum(seats) as tickets
                   from (select concert_no, count(*) as seats
                           from seats
                          group by concert_no
                          union all
                         select concert_no, count(*)
                           from new_seats
                          group by concert_no)
                  group by concert_no) as t
        on t.concert_no = c.no
     where s.sold is not coalesce(t.tickets, 0)
     limit ?1";

const PENDING_WITHOUT_JOB: &str = "
    select 'ticket ' || lower(hex(id)) || ' waits for a print that no job will make'
      from tickets
     where print = 'pending'
       and id not in (
               select unhex(replace(args ->> 'ticket_id', '-', ''))
                 from jobs
                where kind = 'render_ticket'
                  and json_valid(args)
                  and unhex(replace(args ->> 'ticket_id', '-', '')) is not null)
     limit ?1";

const FUTURE_VERSION: &str = "
    select 'ticket ' || lower(hex(t.id)) || ' shows version ' || t.print_version
           || ' of a concert at version ' || c.version
      from tickets as t
      join concerts as c
        on c.no = t.concert_no
     where t.print_version > c.version
     union all
    select 'plan of concert ' || lower(hex(p.concert_id)) || ' shows version ' || p.version
           || ' of a concert at version ' || c.version
      from plans as p
      join concerts as c
        on c.id = p.concert_id
     where p.version > c.version
     limit ?1";

const JOB_TWICE: &str = "
    select 'job ' || lower(hex(j.id)) || ' is both ' || j.state || ' and ' || f.state
      from jobs as j
      join finished_jobs as f
        on f.id = j.id
     limit ?1";

const PLAN_AHEAD: &str = "
    select 'plan of concert ' || lower(hex(p.concert_id)) || ' shows ' || p.sold
           || ' sales of ' || coalesce(s.sold, 'no')
      from plans as p
      left join concerts as c
        on c.id = p.concert_id
      left join sales as s
        on s.concert_no = c.no
     where p.sold > coalesce(s.sold, 0)
     limit ?1";

pub(super) async fn find_violations(
    conn: &mut SqliteConnection,
    max: u32,
) -> StoreResult<Vec<Violation>> {
    let mut violations = Vec::new();
    for invariant in Invariant::ALL {
        let details: Vec<String> = sqlx::query_scalar(query(invariant))
            .bind(max)
            .fetch_all(&mut *conn)
            .await
            .map_err(failed)?;
        violations.extend(
            details
                .into_iter()
                .map(|detail| Violation { invariant, detail }),
        );
    }
    Ok(violations)
}

fn query(invariant: Invariant) -> &'static str {
    match invariant {
        Invariant::Oversold => OVERSOLD,
        Invariant::SoldCount => SOLD_COUNT,
        Invariant::PendingWithoutJob => PENDING_WITHOUT_JOB,
        Invariant::FutureVersion => FUTURE_VERSION,
        Invariant::JobTwice => JOB_TWICE,
        Invariant::PlanAhead => PLAN_AHEAD,
    }
}
