//! What venues say of their shows.

use chrono::NaiveDate;
use domain::ConcertId;
use domain::ports::{StoreError, StoreResult};
use domain::show::{self, Prices, Show, Showtime, Terms, TimeZone};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::failure::{failed, unexpected};
use super::rows;
use crate::prices;

const FIND_SHOW: &str = "
    select starts_at, doors_at, time_zone, terms, prices
      from shows
     where concert_id = $1";

pub(super) async fn find_show(
    conn: &mut PgConnection,
    concert: ConcertId,
) -> StoreResult<Option<Show>> {
    let row = sqlx::query(FIND_SHOW)
        .bind(concert.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(read).transpose()
}

const PUT_SHOW: &str = "
    insert into shows (concert_id, starts_at, doors_at, time_zone, terms, prices)
    values ($1, $2, $3, $4, $5, $6)
        on conflict (concert_id) do update
       set starts_at = excluded.starts_at,
           doors_at = excluded.doors_at,
           time_zone = excluded.time_zone,
           terms = excluded.terms,
           prices = excluded.prices";

pub(super) async fn put_show(
    conn: &mut PgConnection,
    concert: ConcertId,
    show: &Show,
) -> StoreResult<()> {
    let done = sqlx::query(PUT_SHOW)
        .bind(concert.0)
        .bind(show.starts_at.map(show::time_text))
        .bind(show.doors_at.map(show::time_text))
        .bind(show.time_zone.map(TimeZone::name))
        .bind(show.terms.as_ref().map(Terms::as_str))
        .bind(prices::write(&show.prices))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(unexpected("shows.concert_id", rows)),
    }
}

/// What is known of the time of a show on that day. Columns from `at` on: starts_at, time_zone.
pub(super) fn showtime(row: &PgRow, date: NaiveDate, at: usize) -> StoreResult<Showtime> {
    Ok(Showtime {
        date,
        starts_at: word(row, at, "shows.starts_at", show::parse_time)?,
        time_zone: word(row, at + 1, "shows.time_zone", TimeZone::parse)?,
    })
}

fn read(row: &PgRow) -> StoreResult<Show> {
    let time = |at, place| word(row, at, place, show::parse_time);
    let prices: &str = rows::get(row, 4, "shows.prices")?;
    let prices: Prices =
        prices::read(prices).map_err(|error| StoreError::corrupt("shows.prices", error))?;
    Ok(Show {
        starts_at: time(0, "shows.starts_at")?,
        doors_at: time(1, "shows.doors_at")?,
        time_zone: word(row, 2, "shows.time_zone", TimeZone::parse)?,
        terms: word(row, 3, "shows.terms", Terms::parse)?,
        prices,
    })
}

/// A text of a certain form that need not be there.
fn word<T>(
    row: &PgRow,
    at: usize,
    place: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> StoreResult<Option<T>> {
    match rows::get::<Option<&str>>(row, at, place)? {
        None => Ok(None),
        Some(_) => rows::word(row, at, place, parse).map(Some),
    }
}
