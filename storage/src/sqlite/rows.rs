//! Columns as the domain's values. What does not decode is a [`StoreError::Corrupt`] that names
//! its place.

use domain::concert::{Concert, Name, Offer, Status, parse_date};
use domain::job::{AttemptError, Claim, Claimed, Job, Progress, State};
use domain::ports::{StoreError, StoreResult};
use domain::seat::SeatNo;
use domain::ticket::{Print, Ticket};
use domain::{ClaimToken, ConcertId, JobId, LayoutId, TicketId, Timestamp, UserId, WorkerId};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row, Type};
use uuid::Uuid;

/// A column of any type that the driver knows.
pub(super) fn get<'r, T>(row: &'r SqliteRow, at: usize, place: &'static str) -> StoreResult<T>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(at)
        .map_err(|error| StoreError::corrupt(place, error))
}

/// An id.
pub(super) fn uuid(row: &SqliteRow, at: usize, place: &'static str) -> StoreResult<Uuid> {
    let bytes: &[u8] = get(row, at, place)?;
    Uuid::from_slice(bytes).map_err(|error| StoreError::corrupt(place, error))
}

/// A moment.
pub(super) fn time(row: &SqliteRow, at: usize, place: &'static str) -> StoreResult<Timestamp> {
    let micros: i64 = get(row, at, place)?;
    Ok(domain::clock::from_micros(micros))
}

/// A number that is never negative.
pub(super) fn count(row: &SqliteRow, at: usize, place: &'static str) -> StoreResult<u32> {
    let number: i64 = get(row, at, place)?;
    u32::try_from(number).map_err(|error| StoreError::corrupt(place, error))
}

/// A total, which is never negative.
pub(super) fn total(row: &SqliteRow, at: usize, place: &'static str) -> StoreResult<u64> {
    let number: i64 = get(row, at, place)?;
    u64::try_from(number).map_err(|error| StoreError::corrupt(place, error))
}

/// A word of a fixed list.
pub(super) fn word<T>(
    row: &SqliteRow,
    at: usize,
    place: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> StoreResult<T> {
    let text: &str = get(row, at, place)?;
    parse(text).ok_or_else(|| StoreError::corrupt(place, anyhow::anyhow!("unknown word {text:?}")))
}

/// Columns: id, name, venue, date, capacity, status, version, created_at, sold, layout_id.
pub(super) fn offer(row: &SqliteRow) -> StoreResult<Offer> {
    let name = |at, place| word(row, at, place, |text| Name::parse(text).ok());
    let layout: Option<&[u8]> = get(row, 9, "concerts.layout_id")?;
    Ok(Offer {
        concert: Concert {
            id: ConcertId(uuid(row, 0, "concerts.id")?),
            name: name(1, "concerts.name")?,
            venue: name(2, "concerts.venue")?,
            date: word(row, 3, "concerts.date", parse_date)?,
            capacity: count(row, 4, "concerts.capacity")?,
            status: word(row, 5, "concerts.status", Status::parse)?,
            version: count(row, 6, "concerts.version")?,
            created_at: time(row, 7, "concerts.created_at")?,
            layout_id: layout
                .map(Uuid::from_slice)
                .transpose()
                .map_err(|error| StoreError::corrupt("concerts.layout_id", error))?
                .map(LayoutId),
        },
        sold: count(row, 8, "sales.sold")?,
    })
}

/// Columns: id, concert_id, user_id, seat_no, bought_at, print, print_version, and the concert's
/// version.
pub(super) fn ticket(row: &SqliteRow) -> StoreResult<Ticket> {
    let version = count(row, 6, "tickets.print_version")?;
    Ok(Ticket {
        id: TicketId(uuid(row, 0, "tickets.id")?),
        concert_id: ConcertId(uuid(row, 1, "concerts.id")?),
        user_id: UserId(uuid(row, 2, "tickets.user_id")?),
        seat: SeatNo(count(row, 3, "tickets.seat_no")?),
        bought_at: time(row, 4, "tickets.bought_at")?,
        print: word(row, 5, "tickets.print", |text| match text {
            "none" => Some(Print::Never),
            "pending" => Some(Print::Pending),
            "done" => Some(Print::Done { version }),
            "failed" => Some(Print::Failed { version }),
            _ => None,
        })?,
        concert_version: count(row, 7, "concerts.version")?,
    })
}

/// Columns: id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace, losses,
/// alone.
pub(super) fn claimed(row: &SqliteRow) -> StoreResult<Claimed> {
    Ok(Claimed {
        claim: Claim {
            job_id: JobId(uuid(row, 0, "jobs.id")?),
            token: ClaimToken(uuid(row, 1, "jobs.claim_token")?),
        },
        kind: get(row, 2, "jobs.kind")?,
        args: get(row, 3, "jobs.args")?,
        attempt: count(row, 4, "jobs.attempt")?,
        due_at: time(row, 5, "jobs.due_at")?,
        run_at: time(row, 6, "jobs.run_at")?,
        created_at: time(row, 7, "jobs.created_at")?,
        trace: get(row, 8, "jobs.trace")?,
        losses: count(row, 9, "jobs.losses")?,
        alone: get(row, 10, "jobs.alone_since")?,
    })
}

/// Columns: id, kind, queue, state, args, attempt, due_at, run_at, created_at, finished_at,
/// claimed_by, errors, trace, cancel_requested, suspect, progress.
pub(super) fn job(row: &SqliteRow) -> StoreResult<Job> {
    let finished_at: Option<i64> = get(row, 9, "finished_jobs.finished_at")?;
    let claimed_by: Option<&[u8]> = get(row, 10, "jobs.claimed_by")?;
    let claimed_by = claimed_by.map(Uuid::from_slice).transpose();
    Ok(Job {
        id: JobId(uuid(row, 0, "jobs.id")?),
        kind: get(row, 1, "jobs.kind")?,
        queue: get(row, 2, "jobs.queue")?,
        state: word(row, 3, "jobs.state", State::parse)?,
        args: get(row, 4, "jobs.args")?,
        attempt: count(row, 5, "jobs.attempt")?,
        due_at: time(row, 6, "jobs.due_at")?,
        run_at: time(row, 7, "jobs.run_at")?,
        created_at: time(row, 8, "jobs.created_at")?,
        finished_at: finished_at.map(domain::clock::from_micros),
        claimed_by: claimed_by
            .map_err(|error| StoreError::corrupt("jobs.claimed_by", error))?
            .map(WorkerId),
        errors: errors(
            get(row, 11, "jobs.errors")?,
            time(row, 8, "jobs.created_at")?,
        ),
        trace: get(row, 12, "jobs.trace")?,
        cancel_requested: get(row, 13, "jobs.cancel_requested_at")?,
        suspect: get(row, 14, "jobs.suspect")?,
        progress: progress(get(row, 15, "jobs.progress")?),
    })
}

/// One that cannot be read is nothing: an operator's list goes on.
fn progress(json: Option<&str>) -> Option<Progress> {
    json.and_then(|json| serde_json::from_str(json).ok())
}

/// What cannot be read is shown as it is: an operator's list goes on.
fn errors(json: Option<&str>, at: Timestamp) -> Vec<AttemptError> {
    let Some(json) = json else {
        return Vec::new();
    };
    serde_json::from_str(json).unwrap_or_else(|_| {
        vec![AttemptError {
            attempt: 0,
            at,
            error: json.to_owned(),
        }]
    })
}
