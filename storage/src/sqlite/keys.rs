//! Idempotency keys and the answers that were given under them.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::clock::AHEAD_MAX;
use domain::keys::{Answer, StoredKey};
use domain::ports::{StoreError, StoreResult};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::rows;

/// `distinct`, since a key may be asked for twice.
const FIND_KEYS: &str = "
    select k.key, k.fingerprint, k.status, k.headers, k.body, k.created_at
      from (select distinct value as key
              from json_each(?1)) as wanted
     cross join idempotency_keys as k
     where k.key = wanted.key";

pub(super) async fn find_keys(
    conn: &mut SqliteConnection,
    keys: &[String],
) -> StoreResult<Vec<StoredKey>> {
    let rows = sqlx::query(FIND_KEYS)
        .bind(json(keys))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(stored_key).collect()
}

fn stored_key(row: &SqliteRow) -> StoreResult<StoredKey> {
    let fingerprint: &[u8] = rows::get(row, 1, "idempotency_keys.fingerprint")?;
    let status = rows::count(row, 2, "idempotency_keys.status")?;
    let headers: &str = rows::get(row, 3, "idempotency_keys.headers")?;
    let body: &[u8] = rows::get(row, 4, "idempotency_keys.body")?;
    Ok(StoredKey {
        key: rows::get(row, 0, "idempotency_keys.key")?,
        fingerprint: fingerprint
            .try_into()
            .map_err(|error| StoreError::corrupt("idempotency_keys.fingerprint", error))?,
        answer: Answer {
            status: u16::try_from(status)
                .map_err(|error| StoreError::corrupt("idempotency_keys.status", error))?,
            headers: serde_json::from_str(headers)
                .map_err(|error| StoreError::corrupt("idempotency_keys.headers", error))?,
            body: Bytes::copy_from_slice(body),
        },
        created_at: rows::time(row, 5, "idempotency_keys.created_at")?,
    })
}

const LIST_TAKEN: &str = "
    select k.key
      from json_each(?1)
     cross join idempotency_keys as k
     where k.key = value
       and k.created_at >= ?2";

/// What is in the way is expired: the statement above found the rest.
const INSERT_KEYS: &str = "
    insert into idempotency_keys (key, fingerprint, status, headers, body, created_at)
    select value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4),
           value ->> 5
      from json_each(?1)
     where true
        on conflict (key) do update
       set fingerprint = excluded.fingerprint,
           status = excluded.status,
           headers = excluded.headers,
           body = excluded.body,
           created_at = excluded.created_at";

/// Differs from postgres: nobody else writes between looking for taken keys and writing.
pub(super) async fn insert_keys(
    conn: &mut SqliteConnection,
    keys: &[StoredKey],
    expired_before: Timestamp,
) -> StoreResult<Vec<bool>> {
    let names: Vec<_> = keys.iter().map(|key| key.key.as_str()).collect();
    let rows = sqlx::query(LIST_TAKEN)
        .bind(json(&names))
        .bind(expired_before.timestamp_micros())
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
    let mut taken: HashSet<&str> = HashSet::with_capacity(keys.len());
    for row in &rows {
        taken.insert(rows::get(row, 0, "idempotency_keys.key")?);
    }
    let mut batch = Batch::of(keys.len(), 600);
    let mut added = Vec::with_capacity(keys.len());
    for key in keys {
        let fresh = taken.insert(&key.key);
        added.push(fresh);
        if fresh {
            batch.item(|item| {
                item.text(&key.key)
                    .bytes(&key.fingerprint)
                    .number(key.answer.status)
                    .text(&json(&key.answer.headers))
                    .bytes(&key.answer.body)
                    .number(key.created_at.timestamp_micros());
            });
        }
    }
    let expected = added.iter().filter(|&&fresh| fresh).count() as u64;
    if expected == 0 {
        return Ok(added);
    }
    let done = sqlx::query(INSERT_KEYS)
        .bind(batch.finish())
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        rows if rows == expected => Ok(added),
        rows => Err(unexpected("idempotency_keys.key", rows)),
    }
}

const DELETE_KEYS: &str = "
    delete from idempotency_keys
     where key in (
               select value
                 from json_each(?1))";

/// Any number of rows is right: a key that is not there need not be removed.
pub(super) async fn delete_keys(conn: &mut SqliteConnection, keys: &[&str]) -> StoreResult<()> {
    sqlx::query(DELETE_KEYS)
        .bind(json(keys))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

/// One that was given in the future, by a clock that was wrong, is kept as if it were given now.
const CLAMP_KEYS: &str = "
    update idempotency_keys
       set created_at = ?1
     where rowid in (
               select rowid
                 from idempotency_keys
                where created_at > ?1 + ?2
                order by created_at
                limit ?3)";

const PRUNE_KEYS: &str = "
    delete from idempotency_keys
     where rowid in (
               select rowid
                 from idempotency_keys
                where created_at < ?1 - ?2
                order by created_at
                limit ?3)";

pub(super) async fn prune_keys(
    conn: &mut SqliteConnection,
    now: Timestamp,
    kept: TimeDelta,
    max: u32,
) -> StoreResult<u32> {
    let mut pruned = 0;
    for (statement, away) in [(CLAMP_KEYS, AHEAD_MAX), (PRUNE_KEYS, kept)] {
        let done = sqlx::query(statement)
            .bind(now.timestamp_micros())
            .bind(away.num_microseconds().unwrap_or(i64::MAX / 2))
            .bind(max)
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        pruned = done.rows_affected();
    }
    u32::try_from(pruned).map_err(|_| unexpected("idempotency_keys.created_at", pruned))
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("lists of texts are valid JSON")
}
