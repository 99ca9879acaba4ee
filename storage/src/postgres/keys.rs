//! Idempotency keys and the answers that were given under them.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::TimeDelta;
use domain::Timestamp;
use domain::clock::AHEAD_MAX;
use domain::keys::{Answer, StoredKey};
use domain::ports::{StoreError, StoreResult};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::batch::{micros, sorted_by_key};
use super::failure::{failed, unexpected};
use super::leases::length;
use super::rows;

const FIND_KEYS: &str = "
    select key, fingerprint, status, headers, body, created_at
      from idempotency_keys
     where key = any ($1)";

pub(super) async fn find_keys(
    conn: &mut PgConnection,
    keys: &[String],
) -> StoreResult<Vec<StoredKey>> {
    let rows = sqlx::query(FIND_KEYS)
        .bind(keys)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(stored_key).collect()
}

fn stored_key(row: &PgRow) -> StoreResult<StoredKey> {
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

/// A key that somebody else is just writing is waited for, and then is there or is free.
const INSERT_KEYS: &str = "
    insert into idempotency_keys (key, fingerprint, status, headers, body, created_at)
    select new.key, new.fingerprint, new.status, new.headers, new.body, new.created_at
      from unnest($1::text[], $2::bytea[], $3::integer[], $4::text[], $5::bytea[], $6::bigint[])
           as new (key, fingerprint, status, headers, body, created_at)
        on conflict (key) do update
       set fingerprint = excluded.fingerprint,
           status = excluded.status,
           headers = excluded.headers,
           body = excluded.body,
           created_at = excluded.created_at
     where idempotency_keys.created_at < $7
 returning key";

pub(super) async fn insert_keys(
    conn: &mut PgConnection,
    keys: &[StoredKey],
    expired_before: Timestamp,
) -> StoreResult<Vec<bool>> {
    let mut order = sorted_by_key(keys, |key| key.key.clone());
    order.dedup_by_key(|at| keys[*at].key.as_str());
    let fresh = || order.iter().map(|&at| &keys[at]);
    let headers = fresh().map(|key| {
        serde_json::to_string(&key.answer.headers).expect("lists of texts are valid JSON")
    });
    let rows = sqlx::query(INSERT_KEYS)
        .bind(fresh().map(|key| key.key.as_str()).collect::<Vec<_>>())
        .bind(
            fresh()
                .map(|key| key.fingerprint.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            fresh()
                .map(|key| i32::from(key.answer.status))
                .collect::<Vec<_>>(),
        )
        .bind(headers.collect::<Vec<_>>())
        .bind(fresh().map(|key| &*key.answer.body).collect::<Vec<_>>())
        .bind(
            fresh()
                .map(|key| micros(key.created_at))
                .collect::<Vec<_>>(),
        )
        .bind(micros(expired_before))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut written: HashSet<&str> = HashSet::with_capacity(rows.len());
    for row in &rows {
        written.insert(rows::get(row, 0, "idempotency_keys.key")?);
    }
    // Of two equal keys in a batch the first was written.
    let added = keys.iter().map(|key| written.remove(key.key.as_str()));
    Ok(added.collect())
}

const DELETE_KEYS: &str = "
    delete from idempotency_keys
     where key = any($1)";

/// Any number of rows is right: a key that is not there need not be removed.
pub(super) async fn delete_keys(conn: &mut PgConnection, keys: &[&str]) -> StoreResult<()> {
    sqlx::query(DELETE_KEYS)
        .bind(keys)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

/// One that was given in the future, by a clock that was wrong, is kept as if it were given now.
const CLAMP_KEYS: &str = "
    update idempotency_keys
       set created_at = coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
     where key = any(array(
               select key
                 from idempotency_keys
                where created_at > $2
                      + coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
                order by created_at
                limit $3
                  for update skip locked))";

const PRUNE_KEYS: &str = "
    delete from idempotency_keys
     where key = any(array(
               select key
                 from idempotency_keys
                where created_at
                      < coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
                        - $2
                order by created_at
                limit $3
                  for update skip locked))";

pub(super) async fn prune_keys(
    conn: &mut PgConnection,
    present: Option<i64>,
    kept: TimeDelta,
    max: u32,
) -> StoreResult<u32> {
    let mut pruned = 0;
    for (statement, away) in [(CLAMP_KEYS, AHEAD_MAX), (PRUNE_KEYS, kept)] {
        let done = sqlx::query(statement)
            .bind(present)
            .bind(length(away)?)
            .bind(i64::from(max))
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        pruned = done.rows_affected();
    }
    u32::try_from(pruned).map_err(|_| unexpected("idempotency_keys.created_at", pruned))
}
