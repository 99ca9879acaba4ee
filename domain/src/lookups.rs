//! A crowd's lookups: a group of them by one statement.

use std::collections::HashMap;
use std::hash::Hash;
use std::slice;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;

use crate::context::Parts;
use crate::groups::Groups;
use crate::ids::TicketId;
use crate::keys::StoredKey;
use crate::ports::{StoreError, StoreResult, View};
use crate::ticket::Ticket;

/// Lookups of a crowd; `None` of what there is not.
pub(crate) type Lookups<T> = Groups<<T as Lookup>::Id, StoreResult<Option<T>>>;

/// Groups of one sort that are read at a time: so many that one that takes long does not hold the
/// next one up, so few that a crowd leaves connections of the ledger to others.
const GROUPS_AT_ONCE: usize = 2;

/// What the ledger finds by its id.
#[async_trait]
pub(crate) trait Lookup: Clone + Send + Sized + 'static {
    type Id: Eq + Hash + Send + Sync + 'static;

    fn id(&self) -> Self::Id;

    async fn find(view: &mut dyn View, ids: &[Self::Id]) -> StoreResult<Vec<Self>>;
}

#[async_trait]
impl Lookup for Ticket {
    type Id = TicketId;

    fn id(&self) -> TicketId {
        self.id
    }

    async fn find(view: &mut dyn View, ids: &[TicketId]) -> StoreResult<Vec<Self>> {
        view.find_tickets(ids).await
    }
}

#[async_trait]
impl Lookup for StoredKey {
    type Id = String;

    fn id(&self) -> String {
        self.key.clone()
    }

    async fn find(view: &mut dyn View, keys: &[String]) -> StoreResult<Vec<Self>> {
        view.find_keys(keys).await
    }
}

/// Starts to do lookups in groups; at most `waiting_max` wait.
pub(crate) fn start<T: Lookup>(
    runtime: &Handle,
    waiting_max: usize,
    parts: &Arc<Parts>,
) -> Lookups<T> {
    let parts = Arc::clone(parts);
    Groups::start(runtime, waiting_max, GROUPS_AT_ONCE, None, move |group| {
        read(Arc::clone(&parts), group)
    })
}

/// Reads a group, in its order. What is damaged fails for those alone who ask for it.
async fn read<T: Lookup>(
    parts: Arc<Parts>,
    group: Vec<T::Id>,
) -> StoreResult<Vec<StoreResult<Option<T>>>> {
    let mut view = parts.store.read().await?;
    match T::find(&mut *view, &group).await {
        Ok(found) => {
            let found: HashMap<_, _> = found.into_iter().map(|one| (one.id(), one)).collect();
            Ok(group.iter().map(|id| Ok(found.get(id).cloned())).collect())
        }
        Err(StoreError::Corrupt { .. }) => {
            let mut each = Vec::with_capacity(group.len());
            for id in &group {
                match T::find(&mut *view, slice::from_ref(id)).await {
                    Err(error) if !matches!(error, StoreError::Corrupt { .. }) => {
                        return Err(error);
                    }
                    found => each.push(found.map(|mut found| found.pop())),
                }
            }
            Ok(each)
        }
        Err(error) => Err(error),
    }
}
