//! What only the shared engine has: servers that go away, clocks that differ, plans of statements.

#![cfg(test)]

mod circles;
mod clocks;
mod damage;
mod lookups;
mod marks;
mod opening;
mod outages;
mod plans;
mod poolers;

use std::sync::Arc;

use domain::code::Signer;
use domain::concert::{Name, Status};
use domain::concerts::{self, NewConcert};
use domain::keys::{Answer, Answered, Keyed};
use domain::ticket::Ticket;
use domain::tickets::{self, Order};
use domain::user::UserDirectory;
use domain::{ConcertId, Context, Error, Limits, Parts, SystemClock, SystemIds, TicketId};
use storage::Access;
use storage::postgres::PostgresStore;
use tempfile::TempDir;
use tests::postgres::options;
use workers::{Config, RenderPool};

/// The domain over a ledger in PostgreSQL and this process's own counters.
struct Shop {
    ctx: Arc<Context>,
    /// Removed with the shop.
    _folder: TempDir,
}

impl Shop {
    async fn open(url: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let local = storage::open_embedded(folder.path(), Access::Serve)
            .await
            .unwrap();
        let store = PostgresStore::open(url, options()).await.unwrap();
        let parts = Parts {
            store: Arc::new(store),
            counters: local.counters,
            wakeups: local.wakeups,
            files: local.files,
            renderer: Arc::new(RenderPool::new(&Config::default())),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            users: Arc::new(UserDirectory::generated()),
            signer: Arc::new(Signer::new(1, &[7; 32])),
        };
        Self {
            ctx: Context::start(parts, Limits::default()).unwrap(),
            _folder: folder,
        }
    }

    /// A concert that is on sale.
    async fn concert(&self) -> ConcertId {
        let new = NewConcert {
            name: Name::parse("Evening").unwrap(),
            venue: Name::parse("Hall").unwrap(),
            date: self.ctx.clock.now().date_naive(),
            capacity: 100,
            layout_id: None,
            status: Status::Active,
        };
        match concerts::create(&self.ctx, new, None, None).await.unwrap() {
            Answered::Now(offer) => offer.concert.id,
            Answered::Before(_) => unreachable!("there is no key"),
        }
    }

    /// Buys a ticket, under a key if one is given.
    async fn buy(&self, concert_id: ConcertId, key: Option<&str>) -> Result<TicketId, Error> {
        let order = Order {
            concert_id,
            user_id: self.ctx.users.all()[0].id,
        };
        let keyed = key.map(|key| {
            Keyed::new(key.into(), [7; 32], |ticket: &Ticket| Answer {
                status: 201,
                headers: vec![],
                body: ticket.id.to_string().into(),
            })
        });
        Ok(match tickets::buy(&self.ctx, order, keyed).await? {
            Answered::Now(ticket) => ticket.id,
            Answered::Before(answer) => {
                TicketId::parse(std::str::from_utf8(&answer.body).unwrap()).unwrap()
            }
        })
    }

    /// Checks every invariant of the ledger, and gives the number of tickets sold.
    async fn sold(&self, concert: ConcertId) -> u32 {
        let violations = domain::audit::run(self.ctx.store.as_ref()).await.unwrap();
        assert_eq!(violations, []);
        concerts::find(&self.ctx, concert).await.unwrap().sold
    }
}
