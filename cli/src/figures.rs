//! What every figure of `/metrics` means, in a line for each: its sort, its name, what it says.

use metrics::{describe_counter, describe_gauge, describe_histogram};

use self::Sort::{Counter, Gauge, Histogram};

enum Sort {
    Counter,
    Gauge,
    Histogram,
}

const FIGURES: [(Sort, &str, &str); 32] = [
    (
        Histogram,
        "http_server_request_duration_seconds",
        "Time from a request's head to its answer's, by route, method and status.",
    ),
    (
        Counter,
        "ticketoverflow_admitted_total",
        "Requests that were let in, by class.",
    ),
    (
        Counter,
        "ticketoverflow_shed_total",
        "Requests that were answered 503 at the door, by class and reason.",
    ),
    (
        Gauge,
        "ticketoverflow_in_flight",
        "Requests that hold a place, by class.",
    ),
    (
        Gauge,
        "ticketoverflow_sales_queue_ratio",
        "Sales that wait to be written, as a part of those that may.",
    ),
    (
        Counter,
        "ticketoverflow_sales_total",
        "Tickets that were sold.",
    ),
    (
        Counter,
        "ticketoverflow_seats_lost_total",
        "Seats that the ledger had sold already when a sale was to be written.",
    ),
    (
        Counter,
        "ticketoverflow_counters_rebuilt_total",
        "Concerts whose counters were rebuilt from the ledger.",
    ),
    (
        Counter,
        "ticketoverflow_concert_changes_total",
        "Changes of concerts and of what is said of their shows.",
    ),
    (
        Counter,
        "ticketoverflow_transactions_begun_anew_total",
        "Transactions that met another one and were begun anew.",
    ),
    (
        Gauge,
        "ticketoverflow_degraded",
        "1 while a part does not work, by part.",
    ),
    (
        Gauge,
        "ticketoverflow_degraded_since_timestamp_seconds",
        "Since when a part does not work, in Unix time; 0 while it works.",
    ),
    (
        Gauge,
        "ticketoverflow_jobs",
        "Jobs in the ledger, by queue, state and lane.",
    ),
    (
        Gauge,
        "ticketoverflow_jobs_oldest_seconds",
        "Age of the oldest job that could run, by queue and lane.",
    ),
    (
        Gauge,
        "ticketoverflow_jobs_paused",
        "1 while an operator holds a queue or a lane of it back.",
    ),
    (
        Gauge,
        "ticketoverflow_jobs_running",
        "Jobs that run in this process, by queue.",
    ),
    (
        Counter,
        "ticketoverflow_jobs_settled_total",
        "Attempts of jobs that ended, by kind and the state that they led to.",
    ),
    (
        Counter,
        "ticketoverflow_jobs_retries_total",
        "Attempts of jobs that failed and are tried again, by kind.",
    ),
    (
        Counter,
        "ticketoverflow_jobs_dead_letters_total",
        "Jobs that were given up, by kind.",
    ),
    (
        Histogram,
        "ticketoverflow_job_seconds",
        "Time that an attempt of a job took, by kind.",
    ),
    (
        Gauge,
        "ticketoverflow_job_service_seconds",
        "Time that a job takes lately, by kind.",
    ),
    (
        Histogram,
        "ticketoverflow_job_claim_latency_seconds",
        "Time from the moment when a job could run to its claim, by queue and lane.",
    ),
    (
        Gauge,
        "ticketoverflow_pool_places",
        "Jobs that a pool of this process may run at a time, by queue.",
    ),
    (
        Gauge,
        "ticketoverflow_pool_target",
        "Places that the pools of all processes should have, by queue.",
    ),
    (
        Counter,
        "ticketoverflow_pool_resizes_total",
        "Changes of a pool's size, by queue and direction.",
    ),
    (
        Gauge,
        "ticketoverflow_workers_needed",
        "Places that the jobs that wait ask for, by queue.",
    ),
    (
        Histogram,
        "ticketoverflow_render_seconds",
        "Time that a drawing took, by kind and format.",
    ),
    (
        Counter,
        "ticketoverflow_render_missing_glyphs_total",
        "Characters that no typeface has.",
    ),
    (
        Gauge,
        "ticketoverflow_plan_staleness_seconds",
        "Age of the oldest sale that a published seating plan does not show.",
    ),
    (
        Gauge,
        "ticketoverflow_ledger_rows",
        "Rows of the ledger, by table.",
    ),
    (Gauge, "ticketoverflow_ledger_bytes", "Bytes of the ledger."),
    (
        Gauge,
        "ticketoverflow_ledger_log_bytes",
        "Bytes of the ledger's log.",
    ),
];

/// Tells the recorder what they mean.
pub(crate) fn describe() {
    for (sort, name, meaning) in FIGURES {
        match sort {
            Counter => describe_counter!(name, meaning),
            Gauge => describe_gauge!(name, meaning),
            Histogram => describe_histogram!(name, meaning),
        }
    }
}
