//! Promises that are judged by what was counted, of one generator or of several together.

use crate::histogram::Latency;
use crate::report::{ConcertSales, Waits};
use crate::verdict::Verdict;

/// Tickets beyond the seats, bought or listed. A ticket too many is one, whoever bought it and
/// however many generators found it listed.
pub(crate) fn oversold(concerts: &[ConcertSales]) -> Verdict {
    let sold = |one: &ConcertSales| one.bought.max(one.listed);
    let over = |one: &ConcertSales| sold(one).saturating_sub(one.capacity);
    count("P1 oversold", concerts, over, |one, _| {
        format!("{} tickets were sold for {} seats", sold(one), one.capacity)
    })
}

/// Seats that are left although somebody was told that none is.
pub(crate) fn undersold(concerts: &[ConcertSales]) -> Verdict {
    let left = |one: &ConcertSales| match one.refused {
        0 => 0,
        _ => one.capacity.saturating_sub(one.listed),
    };
    count("P2 undersold", concerts, left, |one, left| {
        format!(
            "{} were told that it is sold out, {left} of {} seats are left",
            one.refused, one.capacity
        )
    })
}

/// Customers whom nobody served. A server that is too busy may send some away; one that sells
/// nothing while it has seats keeps no promise by that.
pub(crate) fn unserved(concerts: &[ConcertSales], unserved: u64) -> Verdict {
    let sum = |each: fn(&ConcertSales) -> u64| concerts.iter().map(each).sum::<u64>();
    let left = sum(|one| one.capacity.saturating_sub(one.listed));
    if sum(|one| one.bought) > 0 || left == 0 || unserved == 0 {
        return Verdict::count("P2 unserved", 0, Vec::new());
    }
    let detail = format!("nobody was sold anything, and {left} seats are left");
    Verdict::count("P2 unserved", unserved, vec![detail])
}

/// Tickets that several generators were given, each for its own: together they bought more than
/// there are, although each by itself did not.
pub(crate) fn sold_twice(concerts: &[ConcertSales]) -> Verdict {
    let more = |one: &ConcertSales| one.bought.saturating_sub(one.listed);
    count("P4 sold-twice", concerts, more, |one, _| {
        format!(
            "{} purchases were answered with a ticket, {} tickets are listed",
            one.bought, one.listed
        )
    })
}

/// Counts what is wrong with each concert, and says it in words.
fn count(
    name: &str,
    concerts: &[ConcertSales],
    wrong: impl Fn(&ConcertSales) -> u64,
    words: impl Fn(&ConcertSales, u64) -> String,
) -> Verdict {
    let each = concerts.iter().map(|one| (one, wrong(one)));
    let each: Vec<_> = each.filter(|&(_, wrong)| wrong > 0).collect();
    let details = each
        .iter()
        .map(|&(one, wrong)| format!("concert {}: {}", one.id, words(one, wrong)));
    let sum = each.iter().map(|&(_, wrong)| wrong).sum();
    Verdict::count(name, sum, details.collect())
}

/// A promise about prints is not kept by making none.
pub(crate) fn urgent(waits: &[Waits], limit_s: f64) -> Verdict {
    let mut all = Latency::default();
    for waits in waits.iter().filter(|waits| waits.urgent) {
        all.add(&waits.wait);
    }
    let mut verdict = Verdict::figure("P7 urgent-p99", all.ms(0.99) / 1_000.0, "s", limit_s);
    if all.count() == 0 {
        verdict.ok = false;
        verdict.details.push("no urgent print was made".into());
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concert(bought: u64, listed: u64) -> ConcertSales {
        ConcertSales {
            id: "c".into(),
            key: "elsa".into(),
            capacity: 8,
            bought,
            refused: 0,
            listed,
        }
    }

    #[test]
    fn who_sells_nothing_with_seats_left_keeps_no_promise() {
        assert!(!unserved(&[concert(0, 0)], 10).ok);
        for (sales, customers) in [
            // Some were served, somebody else bought all of it, nobody came.
            (concert(1, 1), 10),
            (concert(0, 8), 10),
            (concert(0, 0), 0),
        ] {
            assert!(unserved(&[sales], customers).ok);
        }
    }
}
