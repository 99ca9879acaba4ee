//! One concert: its list of tickets, its plan, its status.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::listing::{Elements, Ticket};
use super::{Audit, Concert, Flaw};
use crate::cause;
use crate::client::{Count, Sink};
use crate::random::number;
use crate::record::DETAILS_MAX;
use crate::target::LoadError;
use crate::visit::plan_desc;

/// How often a plan is looked at until it has caught up.
const PLAN_PAUSE: Duration = Duration::from_millis(100);
/// How often something is compared again that changed meanwhile.
const TRIES_MAX: u32 = 5;

/// What is listed of a concert.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every ticket's id.
    pub(crate) ids: Vec<u128>,
    /// Some tickets, chosen at random: id and user.
    pub(super) samples: Vec<(String, String)>,
    /// Tickets that are printed, as many as will be read.
    pub(super) printed: Vec<String>,
}

impl Found {
    /// How many tickets there are.
    pub(crate) fn tickets(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }
}

impl Audit<'_> {
    /// Looks at everything that belongs to a concert.
    pub(super) async fn check_concert(
        &mut self,
        concert: &Concert,
        acknowledged: &[u128],
    ) -> Result<Found, LoadError> {
        let mut found = self.list(concert).await?;
        let tickets = found.tickets();
        let over = tickets.saturating_sub(u64::from(concert.capacity));
        if over > 0 {
            let faults = self.flaws.entry(Flaw::Oversold).or_default();
            faults.note(|| {
                format!(
                    "concert {} has {tickets} tickets and {} seats",
                    concert.id, concert.capacity
                )
            });
            faults.count += over - 1;
        }
        found.ids.sort_unstable();
        for pair in found.ids.windows(2).filter(|pair| pair[0] == pair[1]) {
            let id = uuid::Uuid::from_u128(pair[0]);
            self.note(Flaw::Duplicate, || format!("ticket {id} is listed twice"));
        }
        for id in acknowledged {
            if found.ids.binary_search(id).is_err() {
                let id = uuid::Uuid::from_u128(*id);
                self.note(Flaw::Lost, || {
                    format!(
                        "ticket {id} of concert {} was sold and is not listed",
                        concert.id
                    )
                });
            }
        }
        self.check_status(concert, tickets).await?;
        self.check_plan(concert, tickets).await?;
        for (ticket, user) in std::mem::take(&mut found.samples) {
            self.compare(concert, &ticket, &user).await?;
        }
        let printed = std::mem::take(&mut found.printed);
        self.check_prints(concert, &printed).await?;
        Ok(found)
    }

    async fn list(&mut self, concert: &Concert) -> Result<Found, LoadError> {
        let path = format!("/api/v1/tickets?concert_id={}", concert.id);
        let prints_left = self.options.prints_max.saturating_sub(self.prints);
        let mut list = Listing {
            concert,
            path: &path,
            users: &self.users,
            samples_max: self.options.samples,
            prints_max: prints_left,
            elements: Elements::default(),
            seen: Seen::default(),
        };
        let head = self.client.stream("GET", &path, None, &mut list).await?;
        let ended = list.elements.end().map_err(ToOwned::to_owned);
        let mut seen = list.seen;
        if head.status != 200 {
            let words = cause::words(head.status, head.location.as_deref(), b"");
            let wrong = format!("{path} was answered with {words}");
            seen.wrong.push((Flaw::Differs, wrong));
        } else if let Err(what) = ended {
            seen.wrong.push((Flaw::Differs, format!("{path}: {what}")));
        }
        for (flaw, detail) in seen.wrong {
            self.note(flaw, || detail);
        }
        self.prints_skipped += seen.printed.saturating_sub(prints_left);
        Ok(seen.found)
    }

    /// A concert without a seat left says so.
    async fn check_status(&mut self, concert: &Concert, tickets: u64) -> Result<(), LoadError> {
        if tickets < u64::from(concert.capacity) {
            return Ok(());
        }
        let path = format!("/api/v1/concerts/{}", concert.id);
        let now: Concert = self.client.get(&path).await?.json()?;
        if now.status == "ACTIVE" && tickets >= u64::from(now.capacity) {
            self.note(Flaw::Status, || {
                format!(
                    "concert {} is ACTIVE with {tickets} tickets sold",
                    concert.id
                )
            });
        }
        if now.capacity != concert.capacity || now.venue.is_empty() {
            self.note(Flaw::Differs, || {
                format!(
                    "concert {} is listed differently from what {path} says",
                    concert.id
                )
            });
        }
        Ok(())
    }

    /// The plan shows every ticket that was listed, within the time that it is given, and never
    /// one more than there are.
    async fn check_plan(&mut self, concert: &Concert, tickets: u64) -> Result<(), LoadError> {
        let path = format!("/api/v1/concerts/{}/seats", concert.id);
        let begun = Instant::now();
        // Of a concert that was oversold a plan shows what it can.
        let tickets = tickets.min(u64::from(concert.capacity));
        loop {
            let answer = self.client.get(&path).await?;
            let desc = (answer.status == 200)
                .then(|| plan_desc(&answer.body))
                .flatten();
            match desc {
                Some((id, capacity, purchased))
                    if id == concert.id && capacity == concert.capacity =>
                {
                    if purchased > capacity {
                        self.note(Flaw::PlanAhead, || {
                            format!("{path} shows {purchased} of {capacity} seats sold")
                        });
                    }
                    if u64::from(purchased) >= tickets {
                        self.check_ahead(concert, tickets, purchased).await?;
                        break;
                    }
                }
                Some(desc) => {
                    self.note(Flaw::Differs, || format!("{path} is of {desc:?}"));
                    break;
                }
                None if answer.status == 404 => {}
                None => {
                    let status = answer.status;
                    self.note(Flaw::Differs, || format!("{path}: {status} without a plan"));
                    break;
                }
            }
            // One that is too old breaks the promise; then nobody waits for the others.
            let is_broken = self.plan_stale > self.options.plan_staleness;
            if is_broken || begun.elapsed() > self.options.plan_staleness {
                break;
            }
            tokio::time::sleep(PLAN_PAUSE).await;
        }
        self.plan_stale = self.plan_stale.max(begun.elapsed());
        Ok(())
    }

    /// A plan that shows more than was listed before shows sales of meanwhile, or what is not so.
    async fn check_ahead(
        &mut self,
        concert: &Concert,
        tickets: u64,
        purchased: u32,
    ) -> Result<(), LoadError> {
        if u64::from(purchased) == tickets {
            return Ok(());
        }
        let path = format!("/api/v1/tickets?concert_id={}", concert.id);
        let mut list = Count::default();
        self.client.stream("GET", &path, None, &mut list).await?;
        let now = list.elements();
        if now < u64::from(purchased) {
            self.note(Flaw::PlanAhead, || {
                format!(
                    "the plan of concert {} shows {purchased} sold, {now} are",
                    concert.id
                )
            });
        }
        Ok(())
    }

    /// A ticket by itself is what the list of its user and concert says. Both may change while
    /// they are read; then they are read again.
    async fn compare(&mut self, concert: &Concert, id: &str, user: &str) -> Result<(), LoadError> {
        let path = format!("/api/v1/tickets/{id}");
        let list = format!("/api/v1/tickets?user_id={user}&concert_id={}", concert.id);
        for _ in 0..TRIES_MAX {
            let before = self.client.get(&path).await?.body;
            let listed = self.client.get(&list).await?.body;
            let after = self.client.get(&path).await?.body;
            if before != after {
                continue;
            }
            let (mut same, mut elements) = (false, Elements::default());
            elements.feed(&listed, |element| same |= alike(element, &before));
            if !same || elements.end().is_err() {
                self.note(Flaw::Differs, || {
                    format!("ticket {id} is not what {list} says it is")
                });
            }
            break;
        }
        Ok(())
    }
}

/// A list of tickets that is read.
struct Listing<'a> {
    concert: &'a Concert,
    path: &'a str,
    users: &'a HashSet<String>,
    samples_max: u64,
    prints_max: u64,
    elements: Elements,
    seen: Seen,
}

/// What was read of it.
#[derive(Default)]
struct Seen {
    found: Found,
    wrong: Vec<(Flaw, String)>,
    printed: u64,
}

impl Sink for Listing<'_> {
    fn restart(&mut self) {
        self.elements = Elements::default();
        self.seen = Seen::default();
    }

    fn take(&mut self, status: u16, bytes: &[u8]) {
        if status == 200 {
            let mut elements = std::mem::take(&mut self.elements);
            elements.feed(bytes, |element| self.look(element));
            self.elements = elements;
        }
    }
}

impl Listing<'_> {
    fn look(&mut self, element: &[u8]) {
        let Seen {
            found,
            wrong,
            printed,
        } = &mut self.seen;
        let Some(ticket) = read(element, wrong) else {
            return;
        };
        let (id, path) = (&ticket.id, self.path);
        if ticket.concert.id != self.concert.id {
            let what = format!("{path} lists ticket {id} of another one");
            wrong.push((Flaw::Differs, what));
        }
        if !self.users.contains(ticket.user.id.as_ref()) {
            wrong.push((Flaw::Stranger, format!("ticket {id} is of an unknown user")));
        }
        match uuid::Uuid::parse_str(id) {
            Ok(id) => found.ids.push(id.as_u128()),
            Err(_) => wrong.push((Flaw::Differs, format!("{id:?} is no id of ours"))),
        }
        if ticket.print_status == "PRINTED" {
            *printed += 1;
            if *printed <= self.prints_max {
                found.printed.push(id.to_string());
            }
        }
        sample(found, &ticket, self.samples_max);
        wrong.truncate(DETAILS_MAX * 4);
    }
}

fn read<'a>(element: &'a [u8], wrong: &mut Vec<(Flaw, String)>) -> Option<Ticket<'a>> {
    match serde_json::from_slice(element) {
        Ok(ticket) => Some(ticket),
        Err(error) => {
            let text = String::from_utf8_lossy(element);
            wrong.push((Flaw::Differs, format!("{text} is no ticket: {error}")));
            None
        }
    }
}

/// Keeps so many of all tickets, each with the same chance (reservoir sampling, algorithm R).
fn sample(found: &mut Found, ticket: &Ticket<'_>, samples: u64) {
    let seen = found.tickets();
    let one = || (ticket.id.to_string(), ticket.user.id.to_string());
    if seen <= samples {
        found.samples.push(one());
        return;
    }
    let place = usize::try_from(number(seen, 0) % seen).unwrap_or(usize::MAX);
    if let Some(kept) = found.samples.get_mut(place) {
        *kept = one();
    }
}

/// Two JSON values that say the same.
fn alike(one: &[u8], two: &[u8]) -> bool {
    let read = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    one == two || (read(one).is_some() && read(one) == read(two))
}
