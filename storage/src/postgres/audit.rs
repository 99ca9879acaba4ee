//! Looks for what must never be. Each query names what it found in words.

use domain::audit::{Invariant, Violation};
use domain::ports::StoreResult;
use sqlx::PgConnection;

use super::failure::failed;

const OVERSOLD: &str = "
    select 'concert ' || t.concert_id || ' has ' || count(*) || ' tickets for '
           || coalesce(c.capacity::text, 'no') || ' seats, the highest being seat '
           || max(t.seat_no)
      from tickets as t
      left join concerts as c
        on c.id = t.concert_id
     group by t.concert_id, c.id, c.capacity
    having c.id is null
        or count(*) > c.capacity
        or max(t.seat_no) >= c.capacity
     limit $1";

const SOLD_COUNT: &str = "
    select 'concert ' || c.id || ' counts ' || coalesce(s.sold, 0) || ' sales and has '
           || coalesce(t.tickets, 0) || ' tickets'
      from concerts as c
      left join (select concert_id, sum(sold) as sold
                   from sold
                  group by concert_id) as s
        on s.concert_id = c.id
      left join (select concert_id, count(*) as tickets
                   from tickets
                  group by concert_id) as t
        on t.concert_id = c.id
     where coalesce(s.sold, 0) <> coalesce(t.tickets, 0)
     limit $1";

/// The texts of ids are compared, since a payload may hold anything.
const PENDING_WITHOUT_JOB: &str = r#"
    select 'ticket ' || id || ' waits for a print that no job will make'
      from tickets
     where print = 'pending'
       and id::text not in (
               select printed.id
                 from (select substring(args from '"ticket_id" *: *"([0-9a-f-]{36})"') as id
                         from jobs
                        where kind = 'render_ticket') as printed
                where printed.id is not null)
     limit $1"#;

const FUTURE_VERSION: &str = "
    select 'ticket ' || t.id || ' shows version ' || t.print_version
           || ' of a concert at version ' || c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.print_version > c.version
     union all
    select 'plan of concert ' || p.concert_id || ' shows version ' || p.version
           || ' of a concert at version ' || c.version
      from plans as p
      join concerts as c
        on c.id = p.concert_id
     where p.version > c.version
     limit $1";

const JOB_TWICE: &str = "
    select 'job ' || j.id || ' is both ' || j.state || ' and ' || f.state
      from jobs as j
      join finished_jobs as f
        on f.id = j.id
     limit $1";

const PLAN_AHEAD: &str = "
    select 'plan of concert ' || p.concert_id || ' shows ' || p.sold || ' sales of '
           || coalesce(s.sold, 0)
      from plans as p
      left join (select concert_id, sum(sold) as sold
                   from sold
                  group by concert_id) as s
        on s.concert_id = p.concert_id
     where p.sold > coalesce(s.sold, 0)
     limit $1";

/// Not prepared for the next time: these read everything, and are planned for what is there.
pub(super) async fn find_violations(
    conn: &mut PgConnection,
    max: u32,
) -> StoreResult<Vec<Violation>> {
    let mut violations = Vec::new();
    for invariant in Invariant::ALL {
        let details: Vec<String> = sqlx::query_scalar(query(invariant))
            .persistent(false)
            .bind(i64::from(max))
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
