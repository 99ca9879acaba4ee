//! Seating layouts.

use domain::LayoutId;
use domain::layout::StoredLayout;
use domain::ports::StoreResult;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::batch::int;
use super::failure::failed;
use super::rows;

const FIND_LAYOUT: &str = "
    select id, name, seats, document
      from layouts
     where id = $1";

pub(super) async fn find_layout(
    conn: &mut PgConnection,
    id: LayoutId,
) -> StoreResult<Option<StoredLayout>> {
    let row = sqlx::query(FIND_LAYOUT)
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(layout).transpose()
}

const LIST_LAYOUTS: &str = "
    select id, name, seats, ''::bytea
      from layouts
     where id > $1
     order by id
     limit $2";

pub(super) async fn list_layouts(
    conn: &mut PgConnection,
    after: Option<LayoutId>,
    max: u32,
) -> StoreResult<Vec<StoredLayout>> {
    // No id of ours is nil.
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = sqlx::query(LIST_LAYOUTS)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(layout).collect()
}

const INSERT_LAYOUT: &str = "
    insert into layouts (id, name, seats, document)
    values ($1, $2, $3, $4)";

pub(super) async fn insert_layout(
    conn: &mut PgConnection,
    layout: &StoredLayout,
) -> StoreResult<()> {
    sqlx::query(INSERT_LAYOUT)
        .bind(layout.id.0)
        .bind(&layout.name)
        .bind(int(layout.seats))
        .bind(&layout.document)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

fn layout(row: &PgRow) -> StoreResult<StoredLayout> {
    Ok(StoredLayout {
        id: LayoutId(rows::get(row, 0, "layouts.id")?),
        name: rows::get(row, 1, "layouts.name")?,
        seats: rows::count(row, 2, "layouts.seats")?,
        document: rows::get(row, 3, "layouts.document")?,
    })
}
