//! Uploading and finding seating layouts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::concert::Concert;
use crate::context::Context;
use crate::error::Error;
use crate::ids::LayoutId;
use crate::keys::{self, Answered, KEPT_FOR, Keyed};
use crate::layout::{Layout, StoredLayout};
use crate::ports::StoreError;
use crate::seat::{Hall, SeatLabel, SeatNo};

/// Keeps a layout, durably. `document` is what `layout` was read from.
pub async fn create(
    ctx: &Context,
    layout: Layout,
    document: Vec<u8>,
    keyed: Option<Keyed<StoredLayout>>,
) -> Result<Answered<StoredLayout>, Error> {
    let stored = StoredLayout {
        id: LayoutId(ctx.ids.next()),
        name: layout.name.clone(),
        seats: layout.seats(),
        document,
    };
    let mut tx = ctx.store.begin().await?;
    if let Some(keyed) = &keyed {
        let now = ctx.clock.now();
        let key = keyed.stored(&stored, now);
        if tx.insert_keys(&[key], now - KEPT_FOR).await? == [false] {
            drop(tx);
            return keys::replay(ctx, keyed).await;
        }
    }
    tx.insert_layout(&stored).await?;
    tx.commit().await?;
    ctx.layouts().put(stored.id, Arc::new(layout));
    Ok(Answered::Now(stored))
}

/// The layout as it was uploaded.
pub async fn find_document(ctx: &Context, id: LayoutId) -> Result<StoredLayout, Error> {
    let found = ctx.store.read().await?.find_layout(id).await?;
    found.ok_or(Error::NotFound("layout"))
}

/// The layout, ready for use.
pub async fn find(ctx: &Context, id: LayoutId) -> Result<Arc<Layout>, Error> {
    if let Some(layout) = ctx.layouts().get(id) {
        return Ok(layout);
    }
    let document = find_document(ctx, id).await?.document;
    // A large one takes a while to read, and others want this thread.
    let read = tokio::task::spawn_blocking(move || Layout::parse(&document)).await;
    let layout = read
        .map_err(|error| Error::Part(format!("reading a layout failed: {error}")))?
        .map_err(|error| StoreError::corrupt("layouts.document", error))?;
    Ok(ctx.layouts().put(id, Arc::new(layout)))
}

/// Up to `max` layouts without their documents, in the order of their upload.
pub async fn list(
    ctx: &Context,
    after: Option<LayoutId>,
    max: u32,
) -> Result<Vec<StoredLayout>, Error> {
    Ok(ctx.store.read().await?.list_layouts(after, max).await?)
}

/// The layout that a concert was created with.
pub(crate) async fn of(ctx: &Context, concert: &Concert) -> Result<Option<Arc<Layout>>, Error> {
    match concert.layout_id {
        Some(id) => Ok(Some(find(ctx, id).await?)),
        None => Ok(None),
    }
}

/// What a seat of a concert is called.
pub(crate) async fn label(
    ctx: &Context,
    concert: &Concert,
    seat: SeatNo,
) -> Result<SeatLabel, Error> {
    let layout = of(ctx, concert).await?;
    let label = layout.and_then(|layout| layout.label(seat));
    Ok(label.unwrap_or_else(|| Hall::of(concert.capacity).label(seat)))
}

/// Layouts that were read before. They never change.
#[derive(Debug, Default)]
pub(crate) struct LayoutCache(RwLock<HashMap<LayoutId, Arc<Layout>>>);

impl LayoutCache {
    /// Seats of all layouts kept, some 100 bytes each; at the limit the cache starts anew.
    const SEATS_MAX: usize = 2_000_000;

    fn get(&self, id: LayoutId) -> Option<Arc<Layout>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&id).cloned()
    }

    fn put(&self, id: LayoutId, layout: Arc<Layout>) -> Arc<Layout> {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let seats: usize = kept.values().map(|layout| layout.places.len()).sum();
        if seats + layout.places.len() > Self::SEATS_MAX {
            kept.clear();
        }
        kept.insert(id, Arc::clone(&layout));
        layout
    }
}
