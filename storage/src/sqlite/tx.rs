//! One lent connection, as the ports see it: a transaction, a snapshot or a plain view.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::audit::Violation;
use domain::concert::{Concert, Offer};
use domain::job::{
    Claim, ClaimRequest, Claimed, ClaimedBatch, Job, Lane, Learned, NewJob, Pauses, Queue, Renewal,
    Standing, Transition,
};
use domain::jobs::{JobFilter, QueueDepth};
use domain::keys::StoredKey;
use domain::layout::StoredLayout;
use domain::plans::Plan;
use domain::ports::{
    AuditView, BucketPlan, ConcertTx, ConcertView, DueAfter, JobTx, JobView, KeyTx, KeyView,
    LayoutTx, LayoutView, ShowTx, ShowView, SizeView, StoreError, StoreResult, TicketTx,
    TicketView, Tx, View, Waiting,
};
use domain::prints::{PrintRequest, Published};
use domain::seat::SeatNo;
use domain::show::Show;
use domain::size::LedgerSize;
use domain::ticket::Ticket;
use domain::tickets::{Cursor, NewTicket, TicketFilter};
use domain::{ConcertId, JobId, LayoutId, TicketId, Timestamp, WorkerId};

use super::connections::Lease;
use super::slots::Slots;
use super::wal::WalGuard;
use super::{
    audit, claims, concerts, jobs, keys, layouts, leases, moves, pauses, plans, prints, seats,
    service_times, settlements, shows, size, tickets, waiting,
};

/// A lent connection.
#[derive(Debug)]
pub(super) struct SqliteTx {
    lease: Lease,
    may_write: bool,
    wal: Arc<WalGuard>,
    slots: Arc<Slots>,
}

impl SqliteTx {
    pub(super) fn writing(lease: Lease, wal: Arc<WalGuard>, slots: Arc<Slots>) -> Self {
        Self {
            lease,
            may_write: true,
            wal,
            slots,
        }
    }

    pub(super) fn reading(lease: Lease, wal: Arc<WalGuard>, slots: Arc<Slots>) -> Self {
        Self {
            lease,
            may_write: false,
            wal,
            slots,
        }
    }

    /// Whatever made a statement fail, another connection may be free of it.
    fn seen<T>(&mut self, answer: StoreResult<T>) -> StoreResult<T> {
        if matches!(answer, Err(StoreError::Unavailable(_))) {
            self.lease.spoil();
        }
        answer
    }
}

/// `call!(self, function(arguments…))` calls a function of this engine on the lent connection.
macro_rules! call {
    ($self:ident, $module:ident::$function:ident($($argument:expr),*)) => {{
        let answer = $module::$function(&mut $self.lease $(, $argument)*).await;
        $self.seen(answer)
    }};
}

#[async_trait]
impl Tx for SqliteTx {
    async fn commit(mut self: Box<Self>) -> StoreResult<()> {
        let committed = self.lease.commit().await;
        self.seen(committed)?;
        if self.may_write {
            self.wal.committed(&mut self.lease).await;
        }
        Ok(())
    }
}

impl View for SqliteTx {}

#[async_trait]
impl ConcertView for SqliteTx {
    async fn find_offer(&mut self, id: ConcertId) -> StoreResult<Option<Offer>> {
        call!(self, concerts::find_offer(id))
    }

    async fn list_offers(&mut self, after: Option<ConcertId>, max: u32) -> StoreResult<Vec<Offer>> {
        call!(self, concerts::list_offers(after, max))
    }

    async fn list_offers_before(
        &mut self,
        before: Option<ConcertId>,
        max: u32,
    ) -> StoreResult<Vec<Offer>> {
        call!(self, concerts::list_offers_before(before, max))
    }

    async fn find_plan(&mut self, id: ConcertId) -> StoreResult<Option<Plan>> {
        call!(self, plans::find_plan(id))
    }

    async fn list_marked(&mut self, max: u32) -> StoreResult<Vec<(ConcertId, Timestamp)>> {
        call!(self, plans::list_marked(max))
    }
}

#[async_trait]
impl ConcertTx for SqliteTx {
    async fn insert_concert(&mut self, concert: &Concert) -> StoreResult<()> {
        call!(self, concerts::insert_concert(concert))
    }

    async fn update_concert(&mut self, expected: u32, concert: &Concert) -> StoreResult<bool> {
        call!(self, concerts::update_concert(expected, concert))
    }

    async fn record_sales(
        &mut self,
        sales: &[(ConcertId, u32)],
        now: Timestamp,
    ) -> StoreResult<()> {
        call!(self, concerts::record_sales(sales, now))
    }

    async fn clear_marks(&mut self, concerts: &[ConcertId]) -> StoreResult<()> {
        call!(self, plans::clear_marks(concerts))
    }

    async fn publish_plan(&mut self, claim: &Claim, plan: &Plan) -> StoreResult<Published> {
        call!(self, plans::publish_plan(claim, plan))
    }
}

#[async_trait]
impl ShowView for SqliteTx {
    async fn find_show(&mut self, concert: ConcertId) -> StoreResult<Option<Show>> {
        call!(self, shows::find_show(concert))
    }
}

#[async_trait]
impl ShowTx for SqliteTx {
    async fn put_show(&mut self, concert: ConcertId, show: &Show) -> StoreResult<()> {
        call!(self, shows::put_show(concert, show))
    }
}

#[async_trait]
impl LayoutView for SqliteTx {
    async fn find_layout(&mut self, id: LayoutId) -> StoreResult<Option<StoredLayout>> {
        call!(self, layouts::find_layout(id))
    }

    async fn list_layouts(
        &mut self,
        after: Option<LayoutId>,
        max: u32,
    ) -> StoreResult<Vec<StoredLayout>> {
        call!(self, layouts::list_layouts(after, max))
    }
}

#[async_trait]
impl LayoutTx for SqliteTx {
    async fn insert_layout(&mut self, layout: &StoredLayout) -> StoreResult<()> {
        call!(self, layouts::insert_layout(layout))
    }
}

#[async_trait]
impl TicketView for SqliteTx {
    async fn find_tickets(&mut self, ids: &[TicketId]) -> StoreResult<Vec<Ticket>> {
        call!(self, tickets::find_tickets(ids))
    }

    async fn list_tickets(
        &mut self,
        filter: TicketFilter,
        after: Option<Cursor>,
        max: u32,
    ) -> StoreResult<Vec<Ticket>> {
        call!(self, tickets::list_tickets(&self.slots, filter, after, max))
    }

    async fn count_sold(
        &mut self,
        concert: ConcertId,
        plan: BucketPlan,
    ) -> StoreResult<Vec<(u32, u32, SeatNo)>> {
        call!(self, seats::count_sold(concert, plan))
    }

    async fn list_sold(
        &mut self,
        concert: ConcertId,
        from: SeatNo,
        max: u32,
    ) -> StoreResult<Vec<SeatNo>> {
        call!(self, seats::list_sold(concert, from, max))
    }
}

#[async_trait]
impl TicketTx for SqliteTx {
    async fn insert_tickets(&mut self, tickets: &[NewTicket]) -> StoreResult<Vec<bool>> {
        call!(self, tickets::insert_tickets(&self.slots, tickets))
    }

    async fn request_prints(&mut self, tickets: &[TicketId]) -> StoreResult<Vec<PrintRequest>> {
        call!(self, prints::request_prints(tickets))
    }

    async fn publish_prints(
        &mut self,
        prints: &[(Claim, TicketId, u32)],
    ) -> StoreResult<Vec<Published>> {
        call!(self, prints::publish_prints(prints))
    }

    async fn fail_prints(&mut self, tickets: &[TicketId]) -> StoreResult<()> {
        call!(self, prints::fail_prints(tickets))
    }
}

#[async_trait]
impl JobView for SqliteTx {
    async fn find_job(&mut self, id: JobId) -> StoreResult<Option<Job>> {
        call!(self, jobs::find_job(id))
    }

    async fn list_jobs(&mut self, filter: &JobFilter) -> StoreResult<Vec<Job>> {
        call!(self, jobs::list_jobs(filter))
    }

    async fn count_jobs(&mut self, now: Timestamp) -> StoreResult<Vec<QueueDepth>> {
        call!(self, jobs::count_jobs(now))
    }

    async fn list_waiting(
        &mut self,
        queue: Queue,
        due: (Timestamp, Timestamp),
        after: Option<DueAfter>,
        max: u32,
    ) -> StoreResult<Vec<Waiting>> {
        call!(self, waiting::list_waiting(queue, due, after, max))
    }

    async fn count_workers(&mut self) -> StoreResult<Vec<(Queue, u32)>> {
        call!(self, leases::count_workers())
    }

    async fn check_claims(&mut self, claims: &[Claim]) -> StoreResult<Vec<Standing>> {
        call!(self, leases::check_claims(claims))
    }

    async fn list_expired(
        &mut self,
        now: Timestamp,
        longest: TimeDelta,
        max: u32,
    ) -> StoreResult<Vec<Claimed>> {
        call!(self, leases::list_expired(now, longest, max))
    }

    async fn list_pauses(&mut self) -> StoreResult<Pauses> {
        call!(self, pauses::list_pauses())
    }

    async fn list_service_times(&mut self) -> StoreResult<Vec<Learned>> {
        call!(self, service_times::list_service_times())
    }

    async fn lease_age(&mut self, name: &str, now: Timestamp) -> StoreResult<Option<TimeDelta>> {
        call!(self, leases::lease_age(name, now))
    }
}

#[async_trait]
impl JobTx for SqliteTx {
    async fn insert_jobs(&mut self, jobs: &[NewJob]) -> StoreResult<Vec<bool>> {
        call!(self, jobs::insert_jobs(jobs))
    }

    async fn claim_jobs(&mut self, request: &ClaimRequest) -> StoreResult<ClaimedBatch> {
        call!(self, claims::claim_jobs(request))
    }

    async fn extend_claims(
        &mut self,
        renewals: &[Renewal],
        _now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<Standing>> {
        call!(self, leases::extend_claims(renewals, until))
    }

    async fn begin_alone(&mut self, claim: &Claim, now: Timestamp) -> StoreResult<bool> {
        call!(self, leases::begin_alone(claim, now))
    }

    async fn request_cancel(&mut self, id: JobId, now: Timestamp) -> StoreResult<bool> {
        call!(self, leases::request_cancel(id, now))
    }

    async fn settle_jobs(&mut self, settled: &[(Claim, Transition)]) -> StoreResult<Vec<bool>> {
        call!(self, settlements::settle_jobs(settled))
    }

    async fn move_job(&mut self, id: JobId, to: &Transition) -> StoreResult<bool> {
        call!(self, moves::move_job(id, to))
    }

    async fn retime_jobs(&mut self, jobs: &[JobId], due_at: Timestamp) -> StoreResult<u32> {
        call!(self, waiting::retime_jobs(jobs, due_at))
    }

    async fn set_paused(
        &mut self,
        queue: Queue,
        lane: Option<Lane>,
        paused: bool,
    ) -> StoreResult<()> {
        call!(self, pauses::set_paused(queue, lane, paused))
    }

    async fn put_service_times(&mut self, learned: &[Learned], now: Timestamp) -> StoreResult<()> {
        call!(self, service_times::put_service_times(learned, now))
    }

    async fn prune_jobs(&mut self, now: Timestamp, kept: TimeDelta, max: u32) -> StoreResult<u32> {
        call!(self, jobs::prune_jobs(now, kept, max))
    }

    async fn take_lease(
        &mut self,
        name: &str,
        holder: WorkerId,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<bool> {
        call!(self, leases::take_lease(name, holder, now, until))
    }
}

#[async_trait]
impl KeyView for SqliteTx {
    async fn find_keys(&mut self, keys: &[String]) -> StoreResult<Vec<StoredKey>> {
        call!(self, keys::find_keys(keys))
    }
}

#[async_trait]
impl KeyTx for SqliteTx {
    async fn insert_keys(
        &mut self,
        keys: &[StoredKey],
        expired_before: Timestamp,
    ) -> StoreResult<Vec<bool>> {
        call!(self, keys::insert_keys(keys, expired_before))
    }

    async fn delete_keys(&mut self, keys: &[&str]) -> StoreResult<()> {
        call!(self, keys::delete_keys(keys))
    }

    async fn prune_keys(&mut self, now: Timestamp, kept: TimeDelta, max: u32) -> StoreResult<u32> {
        call!(self, keys::prune_keys(now, kept, max))
    }
}

#[async_trait]
impl AuditView for SqliteTx {
    async fn find_violations(&mut self, max: u32) -> StoreResult<Vec<Violation>> {
        call!(self, audit::find_violations(max))
    }
}

#[async_trait]
impl SizeView for SqliteTx {
    async fn measure_size(&mut self, max: u32) -> StoreResult<LedgerSize> {
        call!(self, size::measure_size(&self.wal, max))
    }
}
