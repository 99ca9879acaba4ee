//! What is looked at while the load lasts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::size::{self, LedgerSize};
use tokio::time::MissedTickBehavior;

use super::super::open_loop::Answer;
use super::super::{ms, quantile, resources};
use super::trend::Trend;
use crate::progress::Progress;
use crate::service::Service;

/// How often the process and its ledger are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often the folder of rendered files is walked through, in looks: it is large in the end.
const FOLDER_EVERY: usize = 10;

/// A moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) at_s: f64,
    pub(super) memory_mib: f64,
    pub(super) open_files: f64,
    /// Of the purchases that were answered since the sample before, in milliseconds.
    pub(super) p99_ms: f64,
    pub(super) ledger: LedgerSize,
    pub(super) rendered: Rendered,
}

/// The rendered files on disk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rendered {
    pub(super) bytes: u64,
    pub(super) plans: u64,
}

/// What the buyers were answered since somebody last looked.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    took_ms: Vec<f64>,
    refused: u64,
}

impl Ear {
    pub(super) fn note(&self, answer: Answer) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.status == 201 {
            heard.took_ms.push(ms(answer.took));
        } else {
            heard.refused += 1;
        }
    }

    /// Purchases that were answered otherwise than with 201, until now.
    pub(super) fn refused(&self) -> u64 {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.refused
    }

    fn take(&self) -> Vec<f64> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut heard.took_ms)
    }
}

/// Looks at the process, its ledger and its folder of rendered files until the time is over.
pub(super) async fn watch(
    service: &Service,
    folder: &Path,
    ear: &Ear,
    duration: Duration,
) -> anyhow::Result<Vec<Sample>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    let progress = Progress::start("soaking", duration.as_secs());
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rendered = Rendered::default();
    loop {
        looks.tick().await;
        if begun.elapsed() >= duration {
            break;
        }
        if samples.len() % FOLDER_EVERY == 0 {
            let folder = folder.to_owned();
            rendered = tokio::task::spawn_blocking(move || walk(folder)).await?;
        }
        let ledger = size::measure(service.context().store.as_ref()).await?;
        #[expect(clippy::cast_precision_loss, reason = "figures for people and plots")]
        samples.push(Sample {
            at_s: begun.elapsed().as_secs_f64(),
            memory_mib: resources::memory()? as f64 / 1_048_576.0,
            open_files: resources::open_files()? as f64,
            p99_ms: quantile(&mut ear.take(), 0.99),
            ledger,
            rendered,
        });
        progress.set(begun.elapsed().as_secs());
    }
    progress.done("done");
    Ok(samples)
}

/// Adds up a folder. What goes away meanwhile is not counted.
fn walk(folder: PathBuf) -> Rendered {
    let (mut rendered, mut folders) = (Rendered::default(), vec![(folder, false)]);
    while let Some((folder, is_of_plans)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            if meta.is_dir() {
                folders.push((entry.path(), is_of_plans || entry.file_name() == "plans"));
            } else {
                rendered.bytes += meta.len();
                rendered.plans += u64::from(is_of_plans);
            }
        }
    }
    rendered
}

/// A figure over time.
pub(super) fn course(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    samples.iter().map(|one| (one.at_s, of(one))).collect()
}

/// The trend of a figure.
pub(super) fn trend(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> Trend {
    Trend::of(&course(samples, of))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people and plots")]
impl Sample {
    pub(super) fn tickets(&self) -> f64 {
        self.ledger.tickets as f64
    }

    /// Jobs that wait or run.
    pub(super) fn jobs(&self) -> f64 {
        self.ledger.jobs as f64
    }

    pub(super) fn finished_jobs(&self) -> f64 {
        self.ledger.finished_jobs as f64
    }

    pub(super) fn tables_mib(&self) -> f64 {
        self.ledger.bytes as f64 / 1_048_576.0
    }

    pub(super) fn log_mib(&self) -> f64 {
        self.ledger.log_bytes as f64 / 1_048_576.0
    }

    pub(super) fn rendered_mib(&self) -> f64 {
        self.rendered.bytes as f64 / 1_048_576.0
    }

    /// Bytes of the ledger's tables that came for each ticket that came since `empty`.
    pub(super) fn bytes_a_ticket(&self, empty: &LedgerSize) -> f64 {
        let tickets = self.ledger.tickets.saturating_sub(empty.tickets).max(1);
        self.ledger.bytes.saturating_sub(empty.bytes) as f64 / tickets as f64
    }
}
