//! The prints of tickets: asked for, published behind a fence, given up.

use std::collections::{HashMap, HashSet};

use domain::TicketId;
use domain::job::Claim;
use domain::ports::StoreResult;
use domain::prints::{PrintRequest, Published};
use domain::show::Showtime;
use domain::ticket::{Print, PrintStatus, Ticket};
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::{int, place, sorted_by_key};
use super::failure::{failed, unexpected};
use super::{rows, shows};

/// Locks the tickets, so that of two requests one queues the print.
const LIST_TICKETS: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version, c.date, s.starts_at, s.time_zone
      from unnest($1::uuid[]) as asked (id)
     cross join lateral (
               select id, concert_id, user_id, seat_no, bought_at, print, print_version
                 from tickets
                where tickets.id = asked.id
                  for no key update) as t
      join concerts as c
        on c.id = t.concert_id
      left join shows as s
        on s.concert_id = c.id";

const SET_PENDING: &str = "
    update tickets
       set print = 'pending',
           print_version = 0
     where id = any($1)";

/// Whether a print is still good is [`Ticket::print_status`]'s to say.
pub(super) async fn request_prints(
    conn: &mut PgConnection,
    tickets: &[TicketId],
) -> StoreResult<Vec<PrintRequest>> {
    let rows = sqlx::query(LIST_TICKETS)
        .bind(sorted_ids(tickets))
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
    let mut found: HashMap<TicketId, (Ticket, Showtime)> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let ticket = rows::ticket(row)?;
        let date = rows::get(row, 8, "concerts.date")?;
        found.insert(ticket.id, (ticket, shows::showtime(row, date, 9)?));
    }
    let mut wanted: Vec<Uuid> = Vec::with_capacity(tickets.len());
    let mut answers = Vec::with_capacity(tickets.len());
    for id in tickets {
        let Some((ticket, show)) = found.get_mut(id) else {
            answers.push(PrintRequest::Unknown);
            continue;
        };
        answers.push(match ticket.print_status() {
            PrintStatus::Pending | PrintStatus::Printed => PrintRequest::Already(ticket.clone()),
            PrintStatus::NotPrinted | PrintStatus::Error => {
                ticket.print = Print::Pending;
                wanted.push(id.0);
                PrintRequest::Queued(ticket.clone(), *show)
            }
        });
    }
    if wanted.is_empty() {
        return Ok(answers);
    }
    let queued = wanted.len() as u64;
    let done = sqlx::query(SET_PENDING)
        .bind(wanted)
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        rows if rows == queued => Ok(answers),
        rows => Err(unexpected("tickets.print", rows)),
    }
}

fn sorted_ids(tickets: &[TicketId]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = tickets.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The fence: claim, print and version are compared in the statement that publishes, and stay as
/// they were compared until the transaction ends. About the gate see [`super::concerts`].
const PUBLISH_PRINTS: &str = "
    with fresh as materialized (
        select t.id, c.version
          from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[])
               as print (job_id, token, ticket_id, version)
         cross join lateral (
                   select id
                     from jobs
                    where jobs.id = print.job_id
                      and jobs.claim_token = print.token
                      for update) as j
         cross join lateral (
                   select id, concert_id
                     from tickets
                    where tickets.id = print.ticket_id
                      and tickets.print = 'pending'
                      for no key update) as t
         cross join lateral (
                   select version
                     from concerts
                    where concerts.id = t.concert_id
                      and pg_advisory_xact_lock_shared(814, get_byte(uuid_send(concerts.id), 15))
                          is not null
                      and concerts.version = print.version
                      for share) as c)
    update tickets
       set print = 'done',
           print_version = fresh.version
      from fresh
     where tickets.id = fresh.id
 returning tickets.id";

const EXPLAIN_PRINTS: &str = "
    select print.place, j.id is not null, coalesce(t.print = 'pending', false)
      from unnest($1::uuid[], $2::uuid[], $3::uuid[])
           with ordinality as print (job_id, token, ticket_id, place)
      left join lateral (
               select id
                 from jobs
                where jobs.id = print.job_id
                  and jobs.claim_token = print.token
               offset 0) as j
        on true
      left join lateral (
               select print
                 from tickets
                where tickets.id = print.ticket_id
               offset 0) as t
        on true";

pub(super) async fn publish_prints(
    conn: &mut PgConnection,
    prints: &[(Claim, TicketId, u32)],
) -> StoreResult<Vec<Published>> {
    let order = sorted_by_key(prints, |(_, ticket, _)| *ticket);
    let sorted = || order.iter().map(|&at| &prints[at]);
    let jobs: Vec<Uuid> = sorted().map(|(claim, ..)| claim.job_id.0).collect();
    let tokens: Vec<Uuid> = sorted().map(|(claim, ..)| claim.token.0).collect();
    let tickets: Vec<Uuid> = sorted().map(|(_, ticket, _)| ticket.0).collect();
    let versions: Vec<i32> = sorted().map(|(.., version)| int(*version)).collect();
    let rows = sqlx::query(PUBLISH_PRINTS)
        .bind(&jobs)
        .bind(&tokens)
        .bind(&tickets)
        .bind(versions)
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
    let mut published: HashSet<Uuid> = HashSet::with_capacity(rows.len());
    for row in &rows {
        published.insert(rows::get(row, 0, "tickets.id")?);
    }
    if published.len() == prints.len() {
        return Ok(vec![Published::Yes; prints.len()]);
    }
    let rows = sqlx::query(EXPLAIN_PRINTS)
        .bind(jobs)
        .bind(tokens)
        .bind(tickets)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut reasons = vec![(false, false); prints.len()];
    for row in &rows {
        let at = order[place(rows::get(row, 0, "prints.place")?)];
        reasons[at] = (
            rows::get(row, 1, "jobs.claim_token")?,
            rows::get(row, 2, "tickets.print")?,
        );
    }
    let answers = prints.iter().zip(reasons);
    let answers = answers.map(
        |((_, ticket, _), (stands, pending))| match (stands, pending) {
            (false, _) => Published::ClaimLost,
            (true, true) => Published::VersionMoved,
            // Named twice in a batch, a print is published once.
            (true, false) if published.remove(&ticket.0) => Published::Yes,
            (true, false) => Published::NotWanted,
        },
    );
    Ok(answers.collect())
}

const FAIL_PRINTS: &str = "
    with failed as materialized (
        select t.id, c.version
          from unnest($1::uuid[]) as print (id)
         cross join lateral (
                   select id, concert_id
                     from tickets
                    where tickets.id = print.id
                      and tickets.print = 'pending'
                      for no key update) as t
          join concerts as c
            on c.id = t.concert_id)
    update tickets
       set print = 'failed',
           print_version = failed.version
      from failed
     where tickets.id = failed.id";

/// Any number of rows is right: whoever is not pending any more has not failed.
pub(super) async fn fail_prints(conn: &mut PgConnection, tickets: &[TicketId]) -> StoreResult<()> {
    sqlx::query(FAIL_PRINTS)
        .bind(sorted_ids(tickets))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}
