//! Customers who buy a ticket, have it printed and download it: work for the jobs, beside the
//! crowd that only buys.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use loadtest::{Connection, Request};
use serde::Deserialize;
use tokio::time::MissedTickBehavior;

/// A ticket is downloaded by the customer who comes so many seconds later; by then it should be
/// printed.
const LATER_S: usize = 5;

/// What the customers had.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Printed {
    /// Prints that were ordered.
    pub(super) ordered: u64,
    /// Of these, prints that were there when they were asked for.
    pub(super) downloaded: u64,
}

#[derive(Debug, Deserialize)]
struct Bought {
    id: String,
}

/// Sends so many customers a second, one after the other, on a thread of their own beside the
/// server.
pub(super) async fn visit(
    server: SocketAddr,
    orders: Vec<String>,
    rate: u32,
    duration: Duration,
) -> anyhow::Result<Printed> {
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(run(server, &orders, rate, duration))
    })
    .await?
}

async fn run(
    server: SocketAddr,
    orders: &[String],
    rate: u32,
    duration: Duration,
) -> anyhow::Result<Printed> {
    let mut connection = Connection::open(server).await?;
    let host = server.to_string();
    let (begun, mut printed, mut waiting) = (Instant::now(), Printed::default(), VecDeque::new());
    let mut customers = tokio::time::interval(Duration::from_secs(1) / rate);
    customers.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for order in orders.iter().cycle() {
        customers.tick().await;
        if begun.elapsed() >= duration {
            break;
        }
        let buy = Request::new("POST", "/api/v1/tickets", &host).json(order.as_str());
        let answer = connection.send(&buy).await?;
        if answer.status != 201 {
            bail!("a ticket to print was answered {}", answer.status);
        }
        let ticket: Bought = serde_json::from_slice(answer.body).context("a bought ticket")?;
        let path = format!("/api/v1/tickets/{}/print", ticket.id);
        let answer = connection.send(&Request::new("POST", &path, &host)).await?;
        if answer.status != 202 {
            bail!("an order for a print was answered {}", answer.status);
        }
        printed.ordered += 1;
        waiting.push_back(path);
        if waiting.len() > LATER_S * rate as usize
            && let Some(path) = waiting.pop_front()
        {
            let answer = connection.send(&Request::new("GET", &path, &host)).await?;
            match answer.status {
                200 => printed.downloaded += 1,
                // It still waits; whether more and more do is for the backlog to say.
                404 => {}
                other => bail!("the download of a print was answered {other}"),
            }
        }
    }
    Ok(printed)
}
