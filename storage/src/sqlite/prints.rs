//! The prints of tickets: asked for, published behind a fence, given up.

use std::collections::{HashMap, HashSet};

use domain::TicketId;
use domain::concert::parse_date;
use domain::job::Claim;
use domain::ports::StoreResult;
use domain::prints::{PrintRequest, Published};
use domain::show::Showtime;
use domain::ticket::{Print, PrintStatus, Ticket};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::{rows, shows};

const LIST_TICKETS: &str = "
    select t.id, c.id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version, c.date, s.starts_at, s.time_zone
      from json_each(?1)
     cross join tickets as t
      join concerts as c
        on c.no = t.concert_no
      left join shows as s
        on s.concert_id = c.id
     where t.id = unhex(value)";

/// `or rollback`: see [`super::tickets`].
const SET_PENDING: &str = "
    update or rollback tickets
       set print = 'pending',
           print_version = 0
     where id in (
               select unhex(value)
                 from json_each(?1))";

/// Whether a print is still good is [`Ticket::print_status`]'s to say.
///
/// Differs from postgres: nobody else writes between the two statements.
pub(super) async fn request_prints(
    conn: &mut SqliteConnection,
    tickets: &[TicketId],
) -> StoreResult<Vec<PrintRequest>> {
    let rows = sqlx::query(LIST_TICKETS)
        .bind(Batch::of_ids(tickets.iter().map(|id| id.0)))
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
    let mut found: HashMap<TicketId, (Ticket, Showtime)> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let ticket = rows::ticket(row)?;
        let date = rows::word(row, 8, "concerts.date", parse_date)?;
        found.insert(ticket.id, (ticket, shows::showtime(row, date, 9)?));
    }
    let mut queued = Vec::new();
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
                queued.push(id.0);
                PrintRequest::Queued(ticket.clone(), *show)
            }
        });
    }
    if queued.is_empty() {
        return Ok(answers);
    }
    let done = sqlx::query(SET_PENDING)
        .bind(Batch::of_ids(queued.iter().copied()))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        rows if rows == queued.len() as u64 => Ok(answers),
        rows => Err(unexpected("tickets.print", rows)),
    }
}

/// The fence: claim, print and version are compared in the statement that publishes.
const PUBLISH_PRINTS: &str = "
    update tickets
       set print = 'done',
           print_version = (
               select c.version
                 from concerts as c
                where c.no = tickets.concert_no)
     where no in (
               select t.no
                 from json_each(?1)
                cross join jobs as j
                cross join tickets as t
                cross join concerts as c
                where j.id = unhex(value ->> 0)
                  and j.state = 'running'
                  and j.claim_token = unhex(value ->> 1)
                  and t.id = unhex(value ->> 2)
                  and t.print = 'pending'
                  and c.no = t.concert_no
                  and c.version = value ->> 3)
 returning tickets.id";

const EXPLAIN_PRINTS: &str = "
    select j.id is not null, coalesce(t.print = 'pending', 0)
      from json_each(?1)
      left join jobs as j
        on j.id = unhex(value ->> 0)
       and j.state = 'running'
       and j.claim_token = unhex(value ->> 1)
      left join tickets as t
        on t.id = unhex(value ->> 2)
     order by key";

pub(super) async fn publish_prints(
    conn: &mut SqliteConnection,
    prints: &[(Claim, TicketId, u32)],
) -> StoreResult<Vec<Published>> {
    let mut batch = Batch::of(prints.len(), 125);
    for (claim, ticket, version) in prints {
        batch.item(|item| {
            item.id(&claim.job_id.0)
                .id(&claim.token.0)
                .id(&ticket.0)
                .number(*version);
        });
    }
    let batch = batch.finish();
    let rows = sqlx::query(PUBLISH_PRINTS)
        .bind(batch.as_str())
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
    let mut published: HashSet<Uuid> = HashSet::with_capacity(rows.len());
    for row in &rows {
        published.insert(rows::uuid(row, 0, "tickets.id")?);
    }
    if published.len() == prints.len() {
        return Ok(vec![Published::Yes; prints.len()]);
    }
    let reasons = sqlx::query(EXPLAIN_PRINTS)
        .bind(batch)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut answers = Vec::with_capacity(prints.len());
    for ((_, ticket, _), row) in prints.iter().zip(&reasons) {
        let (stands, pending): (bool, bool) = (
            rows::get(row, 0, "jobs.claim_token")?,
            rows::get(row, 1, "tickets.print")?,
        );
        answers.push(match (stands, pending) {
            (false, _) => Published::ClaimLost,
            (true, true) => Published::VersionMoved,
            // Named twice in a batch, a print is published once.
            (true, false) if published.remove(&ticket.0) => Published::Yes,
            (true, false) => Published::NotWanted,
        });
    }
    Ok(answers)
}

const FAIL_PRINTS: &str = "
    update tickets
       set print = 'failed',
           print_version = (
               select c.version
                 from concerts as c
                where c.no = tickets.concert_no)
     where no in (
               select t.no
                 from json_each(?1)
                cross join tickets as t
                where t.id = unhex(value)
                  and t.print = 'pending')";

/// Any number of rows is right: whoever is not pending any more has not failed.
pub(super) async fn fail_prints(
    conn: &mut SqliteConnection,
    tickets: &[TicketId],
) -> StoreResult<()> {
    sqlx::query(FAIL_PRINTS)
        .bind(Batch::of_ids(tickets.iter().map(|id| id.0)))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}
