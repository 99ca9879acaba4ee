//! Seating layouts.

use domain::LayoutId;
use domain::layout::StoredLayout;
use domain::ports::StoreResult;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::failure::failed;
use super::rows;

const FIND_LAYOUT: &str = "
    select id, name, seats, document
      from layouts
     where id = ?1";

pub(super) async fn find_layout(
    conn: &mut SqliteConnection,
    id: LayoutId,
) -> StoreResult<Option<StoredLayout>> {
    let row = sqlx::query(FIND_LAYOUT)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(layout).transpose()
}

const LIST_LAYOUTS: &str = "
    select id, name, seats, x''
      from layouts
     where id > ?1
     order by id
     limit ?2";

pub(super) async fn list_layouts(
    conn: &mut SqliteConnection,
    after: Option<LayoutId>,
    max: u32,
) -> StoreResult<Vec<StoredLayout>> {
    // No bytes at all come before every id.
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    let rows = sqlx::query(LIST_LAYOUTS)
        .bind(after)
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(layout).collect()
}

const INSERT_LAYOUT: &str = "
    insert into layouts (id, name, seats, document)
    values (?1, ?2, ?3, ?4)";

pub(super) async fn insert_layout(
    conn: &mut SqliteConnection,
    layout: &StoredLayout,
) -> StoreResult<()> {
    sqlx::query(INSERT_LAYOUT)
        .bind(layout.id.0.as_bytes().as_slice())
        .bind(&layout.name)
        .bind(layout.seats)
        .bind(&layout.document)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

fn layout(row: &SqliteRow) -> StoreResult<StoredLayout> {
    Ok(StoredLayout {
        id: LayoutId(rows::uuid(row, 0, "layouts.id")?),
        name: rows::get(row, 1, "layouts.name")?,
        seats: rows::count(row, 2, "layouts.seats")?,
        document: rows::get(row, 3, "layouts.document")?,
    })
}
