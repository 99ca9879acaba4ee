//! How long jobs take, as workers have learned it.

use domain::Timestamp;
use domain::job::{Learned, Queue};
use domain::ports::StoreResult;
use sqlx::SqliteConnection;

use super::failure::failed;
use super::rows;

/// A row for each kind: a handful.
const LIST_SERVICE_TIMES: &str = "
    select kind, queue, seconds, runs
      from service_times
     order by kind";

/// Those of queues that this program does not have are left out.
pub(super) async fn list_service_times(conn: &mut SqliteConnection) -> StoreResult<Vec<Learned>> {
    let rows = sqlx::query(LIST_SERVICE_TIMES)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut learned = Vec::with_capacity(rows.len());
    for row in &rows {
        let queue: &str = rows::get(row, 1, "service_times.queue")?;
        if let Some(queue) = Queue::parse(queue) {
            learned.push(Learned {
                kind: rows::get(row, 0, "service_times.kind")?,
                queue,
                seconds: rows::get(row, 2, "service_times.seconds")?,
                runs: rows::count(row, 3, "service_times.runs")?,
            });
        }
    }
    Ok(learned)
}

const PUT_SERVICE_TIME: &str = "
    insert into service_times (kind, queue, seconds, runs, learned_at)
    values (?1, ?2, ?3, ?4, ?5)
        on conflict (kind) do update
       set queue = excluded.queue,
           seconds = excluded.seconds,
           runs = excluded.runs,
           learned_at = excluded.learned_at";

pub(super) async fn put_service_times(
    conn: &mut SqliteConnection,
    learned: &[Learned],
    now: Timestamp,
) -> StoreResult<()> {
    for one in learned {
        sqlx::query(PUT_SERVICE_TIME)
            .bind(one.kind.as_str())
            .bind(one.queue.as_str())
            .bind(one.seconds)
            .bind(one.runs)
            .bind(now.timestamp_micros())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
