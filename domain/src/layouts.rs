//! Uploading and finding seating layouts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::bytes_cache::BytesCache;
use crate::concert::Concert;
use crate::context::Context;
use crate::error::Error;
use crate::ids::LayoutId;
use crate::keys::{self, Answered, KEPT_FOR, Keyed};
use crate::layout::{InvalidLayout, Layout, StoredLayout};
use crate::looks::Looks;
use crate::ports::StoreError;
use crate::seat::{Hall, SeatLabel, SeatNo};

/// Layouts that are read and parsed at a time, whichever they are: a document may have 32 MiB, and
/// takes a multiple of that meanwhile.
const PARSED_AT_ONCE_MAX: usize = 2;
/// Bytes of documents that are kept as they were uploaded.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// Layouts in memory. They never change, so each is read and parsed once, however many need it.
#[derive(Debug)]
pub(crate) struct LayoutShelf {
    parsed: Arc<LayoutCache>,
    looks: Looks<LayoutId, Result<Arc<Layout>, Error>>,
    documents: BytesCache,
    document_looks: Looks<LayoutId, Result<Option<Bytes>, Error>>,
    /// A permit for each layout that may be parsed.
    turns: Arc<Semaphore>,
}

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
    ctx.layouts().parsed.put(stored.id, Arc::new(layout));
    Ok(Answered::Now(stored))
}

/// The document of a layout, byte for byte as it was uploaded. Those who ask for the same share it.
pub async fn find_document(ctx: &Context, id: LayoutId) -> Result<Bytes, Error> {
    let (shelf, name) = (ctx.layouts(), id.to_string());
    let read = || read_document(ctx, id);
    let look = || shelf.documents.get_or_make(&name, "", read);
    let found = shelf.document_looks.share(id, look).await?;
    found.ok_or(Error::NotFound("layout"))
}

/// The layout, ready for use. One of those who need it first reads it for all of them.
pub async fn find(ctx: &Context, id: LayoutId) -> Result<Arc<Layout>, Error> {
    let shelf = ctx.layouts();
    if let Some(layout) = shelf.parsed.get(id) {
        return Ok(layout);
    }
    shelf.looks.share(id, || read(ctx, id)).await
}

async fn read(ctx: &Context, id: LayoutId) -> Result<Arc<Layout>, Error> {
    let shelf = ctx.layouts();
    let turn = Arc::clone(&shelf.turns).acquire_owned().await;
    let turn = turn.expect("nobody ends the turns");
    // Somebody may have read it by now.
    if let Some(layout) = shelf.parsed.get(id) {
        return Ok(layout);
    }
    let document = read_document(ctx, id).await?;
    let document = document.ok_or(Error::NotFound("layout"))?;
    let parsed = Arc::clone(&shelf.parsed);
    // A large one takes a while to read, and others want this thread. It is read to the end and
    // kept, also when nobody waits for it any more; its turn lasts as long.
    let reading = tokio::task::spawn_blocking(move || -> Result<_, InvalidLayout> {
        let _turn = turn;
        let layout = Layout::parse(&document)?;
        Ok(parsed.put(id, Arc::new(layout)))
    });
    let read = reading
        .await
        .map_err(|error| Error::Part(format!("reading a layout failed: {error}")))?;
    read.map_err(|error| StoreError::corrupt("layouts.document", error).into())
}

async fn read_document(ctx: &Context, id: LayoutId) -> Result<Option<Bytes>, Error> {
    let found = ctx.store.read().await?.find_layout(id).await?;
    Ok(found.map(|stored| stored.document.into()))
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

impl Default for LayoutShelf {
    fn default() -> Self {
        Self {
            parsed: Arc::default(),
            looks: Looks::default(),
            documents: BytesCache::new(DOCUMENT_BYTES_MAX),
            document_looks: Looks::default(),
            turns: Arc::new(Semaphore::new(PARSED_AT_ONCE_MAX)),
        }
    }
}

/// Layouts that were read before.
#[derive(Debug, Default)]
struct LayoutCache(RwLock<HashMap<LayoutId, Arc<Layout>>>);

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
