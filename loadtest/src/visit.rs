//! What a customer does between coming and going.

mod read;

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::audit::Words;
use crate::random::number;
use crate::record::{Fault, Kind, older};
use crate::request::Request;
use crate::scenario::{Crowd, Step};
use crate::worker::{Lost, Told, Worker};

pub(crate) use self::read::plan_desc;
use self::read::{PrintStatus, print_status, ticket_id};

/// How long somebody waits for a print.
const PRINT_PATIENCE: Duration = Duration::from_mins(3);
/// How long before asking again whether it is there; from then on half as long again each time.
const POLL_FIRST: Duration = Duration::from_millis(20);
/// The longest pause of somebody who has not waited for two seconds yet. Who has pauses for an
/// eighth of the wait, so that a crowd that waits does not keep the server from printing.
const POLL_SOON: Duration = Duration::from_millis(250);
/// The longest pause at all.
const POLL_LAST: Duration = Duration::from_secs(5);
/// How often somebody orders a print again that a rename made void.
const ORDERS_MAX: u32 = 4;

/// Somebody who is here.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    worker: &'a Worker,
    crowd: &'a Crowd,
    /// The crowd's place among all crowds of the scenario.
    crowd_at: usize,
    /// The places of its concerts.
    concerts: &'a [usize],
    /// A number of its own.
    random: u64,
    /// What the last request lacked.
    lack: Cell<Option<Lost>>,
}

/// What somebody holds in the hand.
#[derive(Debug, Default)]
struct Hand {
    ticket: Option<String>,
    /// When its print was ordered.
    ordered: Option<Instant>,
    /// The order was answered with a ticket, or with what speaks for itself.
    served: bool,
}

impl<'a> Visit<'a> {
    /// Somebody of a crowd that stands in a place among all, for the concerts in some places, with
    /// a number of their own.
    pub(crate) fn new(
        worker: &'a Worker,
        (crowd_at, crowd): (usize, &'a Crowd),
        concerts: &'a [usize],
        random: u64,
    ) -> Self {
        Self {
            worker,
            crowd,
            crowd_at,
            concerts,
            random,
            lack: Cell::default(),
        }
    }

    /// Comes, does everything, goes. The first request was due at a moment.
    pub(crate) async fn run(&self, due: Instant) {
        let concert = self.concerts[self.pick(1, self.concerts.len())];
        let user = self.pick(2, self.worker.sale.users.len());
        let mut hand = Hand::default();
        let mut due = due;
        let steps = self.crowd.visit(number(self.random, 3));
        for step in steps {
            if !self.step(*step, due, concert, user, &mut hand).await {
                break;
            }
            due = Instant::now();
        }
        let mut interval = self.worker.interval.borrow_mut();
        match self.lack.get() {
            // That is no doing of the server's.
            Some(Lost::NotSent) => interval.not_sent += 1,
            lack => {
                interval.unanswered += u64::from(lack.is_some());
                interval.unserved += u64::from(steps.contains(&Step::Buy) && !hand.served);
            }
        }
    }

    /// A number below a limit, different for each purpose.
    fn pick(&self, purpose: u64, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(1);
        usize::try_from(number(self.random, purpose) % limit).unwrap_or(0)
    }

    /// Does one thing; `false` when there is no point in going on.
    async fn step(
        &self,
        step: Step,
        due: Instant,
        concert: usize,
        user: usize,
        hand: &mut Hand,
    ) -> bool {
        let sale = &self.worker.sale;
        match step {
            Step::User => {
                let path = format!("/api/v1/users/{}", sale.users[user]);
                self.look_up(Kind::User, &path, due).await
            }
            Step::Concert => {
                let path = format!("/api/v1/concerts/{}", sale.concerts[concert].id);
                self.look_up(Kind::Concert, &path, due).await
            }
            Step::Buy => self.buy(due, concert, user, hand).await,
            Step::Recall => {
                hand.ticket = sale.recall(concert, number(self.random, 4));
                hand.ticket.is_some()
            }
            Step::Ticket => match &hand.ticket {
                Some(ticket) => {
                    let path = format!("/api/v1/tickets/{ticket}");
                    self.look_up(Kind::Ticket, &path, due).await
                }
                None => false,
            },
            Step::Print => self.order_print(due, hand).await,
            Step::Printed => self.await_print(hand).await,
            Step::Download => self.download(due, concert, hand).await,
            Step::Plan => self.fetch_plan(due, concert).await,
            Step::Rename => self.rename(due, concert).await,
            Step::Think => {
                tokio::time::sleep(Duration::from_secs_f64(self.crowd.think_s)).await;
                true
            }
        }
    }

    async fn look_up(&self, kind: Kind, path: &str, due: Instant) -> bool {
        let Some(told) = self.get(kind, path, due, |_, _| ()).await else {
            return false;
        };
        if told.status != 200 {
            self.worker.wrong(kind, &told, path);
        }
        told.status == 200
    }

    async fn buy(&self, due: Instant, concert: usize, user: usize, hand: &mut Hand) -> bool {
        let write = |sale: &crate::sale::Sale, request: &mut Vec<u8>| {
            sale.write_order(concert, user, request);
        };
        let read = |status, body: &[u8]| if status == 201 { ticket_id(body) } else { None };
        let Some(mut told) = self.ask(Kind::Buy, due, write, read).await else {
            return false;
        };
        match (told.status, told.read.take()) {
            (201, Some((ticket, id))) => {
                self.worker.sale.acknowledge(concert, &ticket);
                self.worker.bought.borrow_mut()[concert].push(id);
                hand.ticket = Some(ticket);
                hand.served = true;
                true
            }
            (422, _) => {
                hand.served = true;
                self.worker.refused.borrow_mut()[concert] += 1;
                false
            }
            (409, _) => false,
            _ => {
                self.worker.wrong(Kind::Buy, &told, "to an order");
                false
            }
        }
    }

    async fn order_print(&self, due: Instant, hand: &mut Hand) -> bool {
        let Some(ticket) = &hand.ticket else {
            return false;
        };
        let path = format!("/api/v1/tickets/{ticket}/print");
        let write = |sale: &crate::sale::Sale, request: &mut Vec<u8>| {
            let order = Request::to(&sale.target, "POST", &path);
            order.header("Content-Length", "0").write_to(request);
        };
        let told = self.ask(Kind::Print, due, write, |_, _| ()).await;
        let Some(told) = told else {
            return false;
        };
        if told.status != 202 {
            self.worker.wrong(Kind::Print, &told, &path);
            return false;
        }
        hand.ordered.get_or_insert(due);
        true
    }

    /// Asks until the print is there. A rename makes a finished print void; then its holder
    /// orders it again.
    async fn await_print(&self, hand: &mut Hand) -> bool {
        let Some(path) = hand
            .ticket
            .as_ref()
            .map(|id| format!("/api/v1/tickets/{id}"))
        else {
            return false;
        };
        let begun = Instant::now();
        let (mut pause, mut orders) = (POLL_FIRST, 0);
        loop {
            let told = self
                .get(Kind::Poll, &path, Instant::now(), print_status)
                .await;
            match told.map(|told| told.read.ok_or(told)) {
                Some(Ok(PrintStatus::Printed)) => {
                    if let Some(ordered) = hand.ordered.take() {
                        let mut interval = self.worker.interval.borrow_mut();
                        let waits = interval.waits.entry(self.crowd_at).or_default();
                        waits.record(ordered.elapsed());
                    }
                    return true;
                }
                Some(Ok(PrintStatus::NotPrinted)) if orders < ORDERS_MAX => {
                    orders += 1;
                    self.order_print(Instant::now(), hand).await;
                    pause = POLL_FIRST;
                }
                Some(Ok(PrintStatus::Error)) => break,
                Some(Err(told)) if told.status != 503 => {
                    self.worker.wrong(Kind::Poll, &told, &path);
                    return false;
                }
                // It waits, or the server is too busy to say.
                _ => {}
            }
            let left = PRINT_PATIENCE.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = next_pause(pause, begun.elapsed());
        }
        // Who could not ask does not know.
        if self.lack.get() == Some(Lost::NotSent) {
            return false;
        }
        self.worker.fault(Fault::NotPrinted, || {
            format!("{path} was not printed after {:?}", begun.elapsed())
        });
        false
    }

    async fn download(&self, due: Instant, concert: usize, hand: &mut Hand) -> bool {
        let Some(ticket) = hand.ticket.clone() else {
            return false;
        };
        let path = format!("/api/v1/tickets/{ticket}/print");
        let read = |status, body: &[u8]| (status == 200).then(|| Words::of(body));
        let mut due = due;
        for _ in 0..ORDERS_MAX {
            let Some(told) = self.get(Kind::Download, &path, due, read).await else {
                return false;
            };
            match told.read {
                Some(print) => {
                    self.check_print(concert, &ticket, told.asked, print.as_ref());
                    return true;
                }
                // The concert was renamed between the print and its download.
                None if told.status == 404 => {
                    if !self.order_print(Instant::now(), hand).await
                        || !self.await_print(hand).await
                    {
                        return false;
                    }
                }
                None => {
                    self.worker.wrong(Kind::Download, &told, &path);
                    return false;
                }
            }
            due = Instant::now();
        }
        self.worker.fault(Fault::NoPrint, || {
            format!("{path} was 404 each of {ORDERS_MAX} times that the ticket was PRINTED")
        });
        false
    }

    fn check_print(&self, concert: usize, ticket: &str, asked: Instant, print: Option<&Words>) {
        let sale = &self.worker.sale;
        let Some(print) = print else {
            self.worker.fault(Fault::WrongAnswer, || {
                format!("the print of ticket {ticket} is no SVG")
            });
            return;
        };
        if print.desc != ticket {
            self.worker.fault(Fault::WrongAnswer, || {
                format!("the print of ticket {ticket} is not of this ticket")
            });
        }
        if !sale.is_fresh(concert, asked, print) {
            self.worker.fault(Fault::StaleBytes, || {
                format!("the print of ticket {ticket} shows a name that is not in force")
            });
        }
    }

    async fn fetch_plan(&self, due: Instant, concert: usize) -> bool {
        let on_sale = &self.worker.sale.concerts[concert];
        let path = format!("/api/v1/concerts/{}/seats", on_sale.id);
        let shown = self.worker.sale.shown(concert);
        let read = |status, body: &[u8]| (status == 200).then(|| plan_desc(body)).flatten();
        let Some(told) = self.get(Kind::Plan, &path, due, read).await else {
            return false;
        };
        match (told.status, &told.read) {
            (200, Some((id, capacity, purchased)))
                if *id == on_sale.id && *capacity == on_sale.capacity && purchased <= capacity =>
            {
                self.note_age(concert, told.asked, *purchased, shown);
                true
            }
            // Before the first plan is drawn there is none.
            (404, _) if shown == 0 => true,
            _ => {
                let words = format!("{path} shows {:?}", told.read);
                self.worker.wrong(Kind::Plan, &told, &words);
                false
            }
        }
    }

    fn note_age(&self, concert: usize, asked: Instant, purchased: u32, shown_before: u32) {
        let sale = &self.worker.sale;
        let stale = sale.plan_age(concert, asked, purchased);
        let mut interval = self.worker.interval.borrow_mut();
        interval.plan_stale_s = older(interval.plan_stale_s, Some(stale.as_secs_f64()));
        drop(interval);
        if purchased < shown_before {
            self.worker.fault(Fault::PlanBack, || {
                let id = &sale.concerts[concert].id;
                format!("the plan of concert {id} shows {purchased} after {shown_before}")
            });
        }
    }

    async fn rename(&self, due: Instant, concert: usize) -> bool {
        let sale = &self.worker.sale;
        let name = self.crowd.rename_to.clone().unwrap_or_default();
        let path = format!("/api/v1/concerts/{}", sale.concerts[concert].id);
        let body = serde_json::json!({ "name": name }).to_string();
        sale.rename(concert, &name);
        let write = |sale: &crate::sale::Sale, request: &mut Vec<u8>| {
            let change = Request::to(&sale.target, "PUT", &path).json(body.as_str());
            change.write_to(request);
        };
        let told = self.ask(Kind::Rename, due, write, |_, _| ()).await;
        match told {
            Some(told) if told.status == 200 => {
                sale.renamed(concert, &name);
                true
            }
            Some(told) => {
                self.worker.wrong(Kind::Rename, &told, &path);
                false
            }
            None => false,
        }
    }

    async fn get<T>(
        &self,
        kind: Kind,
        path: &str,
        due: Instant,
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Option<Told<T>> {
        let write = |sale: &crate::sale::Sale, request: &mut Vec<u8>| {
            for part in [
                "GET ",
                &sale.target.base,
                path,
                " HTTP/1.1\r\nHost: ",
                &sale.target.host,
                "\r\n\r\n",
            ] {
                request.extend_from_slice(part.as_bytes());
            }
        };
        self.ask(kind, due, write, read).await
    }

    /// Asks, and remembers what was lacking if it did not help.
    async fn ask<T>(
        &self,
        kind: Kind,
        due: Instant,
        write: impl Fn(&crate::sale::Sale, &mut Vec<u8>),
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Option<Told<T>> {
        let told = self.worker.ask(kind, due, write, read).await;
        self.lack.set(match &told {
            Ok(told) => told.is_refusal(kind).then_some(Lost::Unanswered),
            Err(lost) => Some(*lost),
        });
        told.ok()
    }
}

/// How long somebody pauses who has waited for so long.
fn next_pause(last: Duration, waited: Duration) -> Duration {
    let longest = (waited / 8).clamp(POLL_SOON, POLL_LAST);
    (last * 3 / 2).min(longest)
}

#[cfg(test)]
mod tests;
