//! Queues and lanes of which nothing is claimed until an operator says so.

use domain::job::{Lane, Queue};
use domain::ports::StoreResult;
use sqlx::PgConnection;

use super::failure::failed;

const PAUSE_QUEUE: &str = "
    insert into paused_queues (queue)
    values ($1)
        on conflict do nothing";

const RESUME_QUEUE: &str = "
    delete from paused_queues
     where queue = $1";

const PAUSE_LANE: &str = "
    insert into paused_lanes (queue, lane)
    values ($1, $2)
        on conflict do nothing";

const RESUME_LANE: &str = "
    delete from paused_lanes
     where queue = $1
       and lane = $2";

pub(super) async fn set_paused(
    conn: &mut PgConnection,
    queue: Queue,
    lane: Option<Lane>,
    paused: bool,
) -> StoreResult<()> {
    let statement = match (lane, paused) {
        (None, true) => PAUSE_QUEUE,
        (None, false) => RESUME_QUEUE,
        (Some(_), true) => PAUSE_LANE,
        (Some(_), false) => RESUME_LANE,
    };
    let mut query = sqlx::query(statement).bind(queue.as_str());
    if let Some(lane) = lane {
        query = query.bind(lane.as_str());
    }
    query.execute(conn).await.map_err(failed)?;
    Ok(())
}
