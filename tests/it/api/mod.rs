//! The HTTP contract, a file per resource.

mod beside;
mod cancelled;
mod concert_changes;
mod concerts;
mod errors;
mod etags;
mod foreign;
mod health;
mod hostile;
mod idempotency;
mod layouts;
mod print_formats;
mod print_states;
mod seat_status;
mod seats;
mod shows;
mod spellings;
mod ticket_list;
mod tickets;
mod unread;
mod urls;
mod users;

use std::collections::BTreeSet;

use serde_json::Value;
use tests::Answer;

/// A well-formed id that nothing has.
const NOBODY: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

/// Path segments that are no id of ours.
const NO_IDS: [&str; 12] = [
    "0",
    "1",
    "null",
    "undefined",
    "0190163d8694739baea5966c26f8ad90",
    "0190163D-8694-739B-AEA5-966C26F8AD90",
    "%7B0190163d-8694-739b-aea5-966c26f8ad90%7D",
    "%00",
    "%FF%FE",
    "%2e%2e",
    "%27%20OR%201%3D1",
    "0190163d-8694-739b-aea5-966c26f8ad90%20",
];

/// Asserts a status and JSON of exactly the contract's media type; gives the JSON.
#[track_caller]
fn json(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

/// Asserts the exact keys of an object.
#[track_caller]
fn assert_keys(object: &Value, keys: &[&str]) {
    let object = object.as_object().expect("an object");
    let found: BTreeSet<_> = object.keys().map(String::as_str).collect();
    assert_eq!(found, keys.iter().copied().collect::<BTreeSet<_>>());
}

/// The elements of an array.
#[track_caller]
fn elements(array: &Value) -> &[Value] {
    array.as_array().expect("an array")
}

/// The pointers of a problem's errors, in order.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let mut pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect();
    pointers.sort_unstable();
    pointers
}
