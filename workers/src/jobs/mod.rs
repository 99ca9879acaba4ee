//! How the jobs are done, a file for each kind.

mod noop;
mod render_plan;
mod render_ticket;
mod retime_prints;
