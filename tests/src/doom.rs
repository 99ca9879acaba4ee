//! Jobs that kill their worker, and jobs that happen to run beside them.

use std::time::Duration;

use domain::job::{Kind, Policy, Queue};
use serde::{Deserialize, Serialize};
use workers::{Job, JobContext, JobResult, Success};

/// How long a job takes: long enough for the others to be running.
const TAKES: Duration = Duration::from_millis(30);

/// Kills its process, every time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Killer {
    /// In which way.
    pub way: Way,
}

/// The ways to kill a process that nothing in it can prevent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Way {
    /// It ends itself.
    Abort,
    /// It calls itself until the stack is used up.
    Overflow,
    /// It asks for more memory than there is.
    Exhaust,
}

impl Kind for Killer {
    const NAME: &'static str = "killer";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Killer {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        tokio::time::sleep(TAKES / 2).await;
        match self.way {
            Way::Abort => std::process::abort(),
            Way::Overflow => {
                std::hint::black_box(descend(0));
            }
            Way::Exhaust => {
                std::hint::black_box(Vec::<u8>::with_capacity(isize::MAX.unsigned_abs()));
            }
        }
        Ok(Success::nothing())
    }
}

/// Takes a kilobyte of stack each time.
#[expect(
    unconditional_recursion,
    reason = "it is here to use the whole stack up"
)]
fn descend(depth: u64) -> u64 {
    let ballast = std::hint::black_box([depth; 128]);
    descend(depth + 1) + ballast[7]
}

/// Does nothing for a while.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mortal {}

impl Kind for Mortal {
    const NAME: &'static str = "mortal";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Mortal {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        tokio::time::sleep(TAKES).await;
        Ok(Success::nothing())
    }
}
