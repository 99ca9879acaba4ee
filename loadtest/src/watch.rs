//! The server's own figures, read from its `/metrics` while it is loaded.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::record::older;
use crate::system;
use crate::target::Target;

/// What a server says of itself. Nothing where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// Prints that wait for a worker.
    pub prints_waiting: Option<f64>,
    /// Jobs that run.
    pub running: Option<f64>,
    /// Places of the pools: jobs that could run at a time.
    pub places: Option<f64>,
    /// Age of the oldest sale that no plan shows, in seconds.
    pub plan_stale_s: Option<f64>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    /// The ledger's files with their log in bytes, as measured some seconds ago.
    pub ledger_bytes: Option<f64>,
}

/// Reads the figures of some servers.
#[derive(Debug)]
pub(crate) struct Watch {
    clients: Vec<Client>,
    pid: Option<u32>,
}

impl Watch {
    pub(crate) fn new(targets: &[Target]) -> Self {
        Self {
            clients: targets.iter().map(Client::new).collect(),
            pid: targets.first().and_then(|target| {
                let mut addresses = target.addresses();
                addresses.find_map(|(_, address)| system::listener(address))
            }),
        }
    }

    pub(crate) async fn sample(&mut self) -> Sample {
        let mut sample = Sample {
            rss: self.pid.and_then(system::resident),
            ..Sample::default()
        };
        for client in &mut self.clients {
            if let Ok(answer) = client.get("/metrics").await
                && answer.status == 200
            {
                sample.add(&String::from_utf8_lossy(&answer.body));
            }
        }
        sample
    }
}

impl Sample {
    /// Adds the figures of a server, in the text form of Prometheus.
    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let Ok(value) = value.parse::<f64>() else {
                continue;
            };
            let name = series.split('{').next().unwrap_or(series);
            let has = |label: &str| series.contains(label);
            if name == "ticketoverflow_plan_staleness_seconds" {
                // Each speaks of all plans, so the worst is true.
                self.plan_stale_s = older(self.plan_stale_s, Some(value));
                continue;
            }
            let figure = match name {
                "ticketoverflow_jobs"
                    if has("queue=\"prints\"")
                        && (has("state=\"available\"") || has("state=\"scheduled\"")) =>
                {
                    &mut self.prints_waiting
                }
                "ticketoverflow_jobs_running" => &mut self.running,
                "ticketoverflow_pool_places" => &mut self.places,
                "ticketoverflow_ledger_bytes" | "ticketoverflow_ledger_log_bytes" => {
                    &mut self.ledger_bytes
                }
                _ => continue,
            };
            *figure = Some(figure.unwrap_or(0.0) + value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_several_servers_are_summed() {
        let mut sample = Sample::default();
        sample.add(
            "# TYPE ticketoverflow_jobs gauge\n\
             ticketoverflow_jobs{queue=\"prints\",state=\"available\",lane=\"soon\"} 7\n\
             ticketoverflow_jobs{queue=\"prints\",state=\"completed\",lane=\"soon\"} 9\n\
             ticketoverflow_jobs{queue=\"plans\",state=\"available\",lane=\"soon\"} 1\n\
             ticketoverflow_pool_places{queue=\"prints\"} 8\n\
             ticketoverflow_plan_staleness_seconds 2\n\
             ticketoverflow_ledger_bytes 4096\nticketoverflow_ledger_log_bytes 100\n",
        );
        sample.add(
            "ticketoverflow_pool_places{queue=\"prints\"} 2\nnonsense\n\
                    ticketoverflow_plan_staleness_seconds 1.5\n",
        );
        assert_eq!(sample.prints_waiting, Some(7.0));
        assert_eq!(sample.places, Some(10.0));
        assert_eq!(sample.ledger_bytes, Some(4_196.0));
        assert_eq!(sample.running, None);
        // They are of one ledger, and one age does not follow the other.
        assert_eq!(sample.plan_stale_s, Some(2.0));
    }
}
