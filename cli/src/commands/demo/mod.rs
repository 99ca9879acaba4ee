//! `demo`: a sold-out on-sale and a rename in the middle of printing, over HTTP, with its proof.

mod buyers;
mod proof;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use domain::job::{Queue, State};
use loadtest::{Connection, Limits, Request};
use serde_json::{Value, json};

use self::buyers::{Buyer, Printer, Reader};
use self::proof::Proof;
use crate::args::DemoArgs;
use crate::config::Config;
use crate::out;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};
use crate::shutdown::Signals;

/// Seats of the concert.
const CAPACITY: u32 = 3_000;
/// Buyers, of whom each wants one seat.
const BUYERS: u32 = 6_000;
/// Tickets to print.
const PRINTS: usize = 1_000;
/// Connections of the crowd.
const CONNECTIONS: usize = 64;
/// How long each act may take.
const ACT_MAX: Duration = Duration::from_mins(5);

const OLD_NAME: &str = "Elsa on Ice";
const NEW_NAME: &str = "Bob on Ice";

/// Runs the demo, then serves on unless told to end. Fails when something did not hold.
pub async fn demo(args: &DemoArgs) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    prepare_folder(&args.output)?;
    let mut config = Config::for_data_dir(&args.output.join("data"));
    config.server.listen.clone_from(&args.listen);
    let service = Service::start(&config, Tweaks::default()).await?;
    let holds = perform(&service, &args.output).await?;
    if args.exit || !holds {
        service.stop().await?;
    } else {
        out::line(format!("\nStill serving: open {}", service.url()));
        out::line("Ctrl-C ends it.");
        service.run_until_signal(signals).await?;
    }
    if !holds {
        bail!("something did not hold, see above");
    }
    Ok(())
}

async fn perform(service: &Service, output: &Path) -> anyhow::Result<bool> {
    let mut stage = Stage::open(service).await?;
    let concert = stage.create_concert().await?;
    let mut proof = Proof::default();

    let tickets = sell(service, &concert, &mut proof).await?;
    let tickets: Vec<_> = tickets.into_iter().take(PRINTS).collect();
    request_prints(service, &tickets).await?;
    let in_flight = stage
        .rename_mid_print(service, &concert, &mut proof)
        .await?;
    // Prints that were out before the rename are void; their holders ask again.
    request_prints(service, &tickets).await?;
    read_prints(service, &tickets, in_flight, &mut proof).await?;
    // The first connection may have idled for longer than the server keeps one.
    let mut stage = Stage::open(service).await?;
    stage
        .save_pictures(&concert, &tickets[0], output, &mut proof)
        .await?;

    let (lines, holds) = super::audit::lines(service.context().store.as_ref()).await?;
    proof.check(
        "the audit finds every invariant of the ledger intact",
        holds,
    );
    if !holds {
        lines.iter().for_each(out::line);
    }
    Ok(proof.print())
}

/// An earlier demo's folder is emptied; anybody else's is left alone.
fn prepare_folder(output: &Path) -> anyhow::Result<()> {
    let data = output.join("data");
    if data.exists() {
        if !data.join("lock").exists() {
            bail!(
                "{} is not of an earlier demo; name another folder with --output",
                data.display()
            );
        }
        if storage::is_served(&data) {
            bail!(
                "a demo is still serving from {}; end it first",
                data.display()
            );
        }
        std::fs::remove_dir_all(&data)
            .with_context(|| format!("{} cannot be emptied", data.display()))?;
    }
    std::fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))
}

/// Everybody buys at once.
async fn sell(service: &Service, concert: &str, proof: &mut Proof) -> anyhow::Result<Vec<String>> {
    let what = format!("selling {CAPACITY} seats to {BUYERS} buyers");
    let progress = Progress::start(&what, u64::from(BUYERS));
    let share = BUYERS as usize / CONNECTIONS + 1;
    let users: Vec<_> = service
        .context()
        .users
        .all()
        .iter()
        .map(|user| user.id)
        .collect();
    let orders: Vec<_> = (0..BUYERS as usize)
        .map(|at| users[at % users.len()])
        .collect();
    let buyers: Vec<_> = orders
        .chunks(share)
        .map(|users| Buyer::new(service.address(), concert, users))
        .collect();
    let begun = Instant::now();
    let report = loadtest::run(service.address(), buyers, Limits { duration: ACT_MAX }).await;
    let tickets: Vec<String> = report
        .scripts
        .into_iter()
        .flat_map(|buyer| buyer.tickets)
        .collect();
    let (sold, refused) = (
        report.by_status.get(&201).copied().unwrap_or(0),
        report.by_status.get(&422).copied().unwrap_or(0),
    );
    progress.done(&format!(
        "{sold} sold, {refused} told that it is sold out, in {:.2} s",
        begun.elapsed().as_secs_f64()
    ));
    let capacity = u64::from(CAPACITY);
    let ids = tickets
        .iter()
        .collect::<std::collections::HashSet<_>>()
        .len() as u64;
    proof.check(
        &format!("sold = capacity: {sold} of {capacity}"),
        sold == capacity,
    );
    let over = sold.saturating_sub(capacity);
    proof.check(
        &format!("oversold: {over}, every ticket another one"),
        over == 0 && ids == sold,
    );
    let answered = sold + refused == u64::from(BUYERS);
    proof.check(
        "every buyer had an answer: a ticket, or \"sold out\"",
        answered,
    );
    Ok(tickets)
}

async fn request_prints(service: &Service, tickets: &[String]) -> anyhow::Result<()> {
    let printers: Vec<_> = tickets
        .chunks(tickets.len().div_ceil(CONNECTIONS))
        .map(|tickets| Printer::new(service.address(), tickets))
        .collect();
    let report = loadtest::run(service.address(), printers, Limits { duration: ACT_MAX }).await;
    if report.count(202) != tickets.len() as u64 {
        bail!("asking for prints was answered with {:?}", report.by_status);
    }
    Ok(())
}

/// Downloads every print, again and again until each was there.
async fn read_prints(
    service: &Service,
    tickets: &[String],
    in_flight: u64,
    proof: &mut Proof,
) -> anyhow::Result<()> {
    let progress = Progress::start("downloading prints", tickets.len() as u64);
    let begun = Instant::now();
    let readers: Vec<_> = tickets
        .chunks(tickets.len().div_ceil(8))
        .map(|tickets| Reader::new(service.address(), tickets, OLD_NAME, NEW_NAME))
        .collect();
    let report = loadtest::run(service.address(), readers, Limits { duration: ACT_MAX }).await;
    let stale: u64 = report.scripts.iter().map(|reader| reader.stale).sum();
    let fresh: u64 = report.scripts.iter().map(|reader| reader.fresh).sum();
    progress.done(&format!(
        "{fresh} in {:.2} s",
        begun.elapsed().as_secs_f64()
    ));
    proof.check(
        &format!("renamed while {in_flight} prints were in flight: {stale} stale ones handed out"),
        stale == 0 && in_flight > 0,
    );
    let all = fresh == tickets.len() as u64;
    proof.check(
        &format!("printed with the new name without anybody's help: {fresh}"),
        all,
    );
    Ok(())
}

/// A client that does things one after the other.
struct Stage {
    connection: Connection,
    host: String,
}

impl Stage {
    async fn open(service: &Service) -> anyhow::Result<Self> {
        let address = service.address();
        Ok(Self {
            connection: Connection::open(address).await?,
            host: address.to_string(),
        })
    }

    async fn create_concert(&mut self) -> anyhow::Result<String> {
        let today = domain::Clock::now(&domain::SystemClock).date_naive();
        let body = json!({
            "name": OLD_NAME,
            "venue": "Grand Arena",
            "date": (today + chrono::Days::new(1)).to_string(),
            "capacity": CAPACITY,
            "status": "ACTIVE",
        });
        let created = self
            .send("POST", "/api/v1/concerts", Some(&body), 201)
            .await?;
        let created: Value = serde_json::from_slice(&created)?;
        Ok(created["id"]
            .as_str()
            .context("a concert has an id")?
            .to_owned())
    }

    /// Waits until some prints are out and most are not, then renames. Gives how many were not.
    async fn rename_mid_print(
        &mut self,
        service: &Service,
        concert: &str,
        proof: &mut Proof,
    ) -> anyhow::Result<u64> {
        let begun = Instant::now();
        let in_flight = loop {
            let left = prints_left(service).await?;
            if left <= PRINTS as u64 * 4 / 5 || begun.elapsed() > ACT_MAX {
                break left;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        let body = json!({ "name": NEW_NAME });
        let path = format!("/api/v1/concerts/{concert}");
        let asked = Instant::now();
        self.send("PUT", &path, Some(&body), 200).await?;
        proof.note(&format!(
            "the rename took {:.1} ms with {in_flight} prints in flight",
            asked.elapsed().as_secs_f64() * 1_000.0
        ));
        Ok(in_flight)
    }

    async fn save_pictures(
        &mut self,
        concert: &str,
        ticket: &str,
        output: &Path,
        proof: &mut Proof,
    ) -> anyhow::Result<()> {
        for (path, file) in [
            (format!("/api/v1/tickets/{ticket}/print"), "ticket.svg"),
            (format!("/api/v1/tickets/{ticket}/print.pdf"), "ticket.pdf"),
        ] {
            save(
                &output.join(file),
                &self.send("GET", &path, None, 200).await?,
            )?;
        }
        let path = format!("/api/v1/concerts/{concert}/seats");
        let wanted = format!("<desc>{concert}|{CAPACITY}|{CAPACITY}</desc>");
        let begun = Instant::now();
        let plan = loop {
            let plan = self.send("GET", &path, None, 200).await?;
            let whole = String::from_utf8_lossy(&plan).contains(&wanted);
            if whole || begun.elapsed() > Duration::from_secs(30) {
                proof.check("the seating plan shows every seat sold", whole);
                break plan;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        save(&output.join("seating.svg"), &plan)?;
        proof.note(&format!(
            "ticket.pdf, ticket.svg and seating.svg are in {}",
            output.display()
        ));
        Ok(())
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expected: u16,
    ) -> anyhow::Result<Vec<u8>> {
        let mut request = Request::new(method, path, &self.host);
        if let Some(body) = body {
            request = request.json(body.to_string());
        }
        let answer = self.connection.send(&request).await?;
        if answer.status != expected {
            let body = String::from_utf8_lossy(answer.body);
            bail!(
                "{method} {path} was answered with {}: {body}",
                answer.status
            );
        }
        Ok(answer.body.to_vec())
    }
}

async fn prints_left(service: &Service) -> anyhow::Result<u64> {
    let ctx = service.context();
    let depths = ctx.store.read().await?.count_jobs(ctx.clock.now()).await?;
    let live = |state: State| !state.is_finished();
    Ok(depths
        .iter()
        .filter(|depth| depth.queue == Queue::Prints && live(depth.state))
        .map(|depth| depth.jobs)
        .sum())
}

fn save(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// Shares one text among many scripts.
type Shared = Arc<str>;
