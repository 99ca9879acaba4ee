//! Promises that are judged by what was counted, of one generator or of several together.

use crate::cause::Causes;
use crate::histogram::Latency;
use crate::report::{ConcertSales, Customers, Waits};
use crate::verdict::Verdict;

/// A generator that could not send the requests of so large a part of its customers has not
/// measured how many the server serves.
const NOT_SENT_SHARE_MAX: f64 = 0.01;

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

/// Customers whom nobody served: they got no answer, or a failure, or were sent away to the end.
/// A server that is too busy may send some away, as many as the scenario says, in percent; one that
/// sells nothing while it has seats keeps no promise by that.
///
/// Whom the generator itself left behind is nobody's of the server's.
pub(crate) fn unserved(
    concerts: &[ConcertSales],
    customers: &Customers,
    causes: &Causes,
    limit_percent: f64,
) -> Verdict {
    let came = customers.came();
    let share = 100.0 * ratio(customers.unanswered, came);
    let mut missed = customers.unanswered;
    let mut verdict = Verdict::figure("P2 unserved", share, "%", limit_percent);
    let sum = |each: fn(&ConcertSales) -> u64| concerts.iter().map(each).sum::<u64>();
    let left = sum(|one| one.capacity.saturating_sub(one.listed));
    if sum(|one| one.bought) == 0 && left > 0 && customers.unserved > 0 {
        missed = missed.max(customers.unserved);
        verdict.value = 100.0 * ratio(missed, came);
        verdict.ok = false;
        let detail = format!("nobody was sold anything, and {left} seats are left");
        verdict.details.push(detail);
    }
    if verdict.ok {
        let not_sent = customers.not_sent;
        let all = came + not_sent;
        if ratio(not_sent, all) > NOT_SENT_SHARE_MAX {
            let why = format!("the generator could not send {not_sent} of {all} customers");
            return verdict.doubted(why);
        }
        return verdict;
    }
    let mut details = std::mem::take(&mut verdict.details);
    details.push(format!("{missed} of {came} customers were not served"));
    details.extend(causes.lines());
    verdict.with(details)
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let (part, whole) = (part as f64, whole.max(1) as f64);
    part / whole
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

/// A promise about prints is not kept by making none, unless the generator could not send those who
/// would have ordered them: then it is not known whether customers were served, nor when.
pub(crate) fn urgent(waits: &[Waits], limit_s: f64, unserved: Option<&Verdict>) -> Verdict {
    let mut all = Latency::default();
    for waits in waits.iter().filter(|waits| waits.urgent) {
        all.add(&waits.wait);
    }
    let mut verdict = Verdict::figure("P7 urgent-p99", all.ms(0.99) / 1_000.0, "s", limit_s);
    if all.count() == 0 {
        verdict.ok = false;
        verdict.unmeasured = unserved.is_some_and(|unserved| unserved.unmeasured);
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

    fn judged(concert: ConcertSales, customers: &Customers) -> Verdict {
        unserved(&[concert], customers, &Causes::default(), 1.0)
    }

    #[test]
    fn who_sells_nothing_with_seats_left_keeps_no_promise() {
        let unserved = |unserved| Customers {
            left: 1_000,
            unserved,
            ..Customers::default()
        };
        assert!(judged(concert(0, 0), &unserved(10)).is_broken());
        for (sales, customers) in [
            // Some were served, somebody else bought all of it, nobody came.
            (concert(1, 1), 10),
            (concert(0, 8), 10),
            (concert(0, 0), 0),
        ] {
            assert!(judged(sales, &unserved(customers)).ok);
        }
    }

    #[test]
    fn who_serves_few_keeps_no_promise_either() {
        let customers = |left, cut_off, unanswered, not_sent| Customers {
            left,
            cut_off,
            unanswered,
            not_sent,
            ..Customers::default()
        };
        for (customers, line) in [
            (customers(1_000, 0, 10, 0), "P2 unserved 1.0 % of 1 % ok"),
            (
                customers(1_000, 0, 802, 0),
                "P2 unserved 80.2 % of 1 % BROKEN",
            ),
            (customers(0, 3, 3, 0), "P2 unserved 100.0 % of 1 % BROKEN"),
            (customers(0, 0, 0, 0), "P2 unserved 0.0 % of 1 % ok"),
            // Of those who could be sent everybody was served, but these are not all.
            (customers(1_000, 0, 0, 10), "P2 unserved 0.0 % of 1 % ok"),
            (customers(1_000, 0, 0, 11), "P2 unserved not measured"),
            (
                customers(1_000, 0, 20, 500),
                "P2 unserved 4.0 % of 1 % BROKEN",
            ),
            (customers(500, 0, 0, 500), "P2 unserved not measured"),
        ] {
            let found = judged(concert(1, 1), &customers).to_string();
            assert_eq!(found.lines().next(), Some(line), "{customers:?}");
        }
    }
}
