//! What a load generator must not do: hide a stall, hit a stranger, count twice.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use loadtest::{Kind, Latency, LoadReport, MergeError};
use serde_json::{Value, json};
use tests::TestApp;
use tests::process::{self, Ended};

use super::wrong::{Defect, WrongServer};
use super::{command, load, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_not_hidden_by_customers_who_wait_for_each_other() {
    let server = WrongServer::start(Defect::Stalls).await;
    let sale = [
        "small",
        "--scale",
        "0.3",
        "--duration",
        "3s",
        "--connections",
        "1",
    ];
    let (open, _) = load(&server.url(), &sale);
    let buys = open.of_kind(Kind::Buy);
    let slow = |latency: &Latency| latency.between(250_000, 600_000_000);
    // 300 customers in three seconds, during one of which nothing moved: each that came
    // meanwhile waited, and each is counted. The only connection saw one slow answer.
    let all = open.all_requests();
    assert!(slow(&all.latency) > 30, "{}", slow(&all.latency));
    assert!(all.latency.ms(0.99) >= 800.0, "{}", all.latency.ms(0.99));
    assert!(slow(&all.service) < slow(&all.latency) / 5);
    assert_eq!(buys.answers(), 300, "nobody was lost: {:?}", buys.by_status);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_is_loaded_unless_the_operator_answers_for_it() {
    for url in ["http://192.0.2.1:9", "http://[2001:db8::1]:9"] {
        let ended = command(&["load", "small", "--target", url]);
        let errors = ended.failure();
        assert!(errors.contains("--i-own-this-target"), "{errors}");
    }
    // A port of this machine where nobody is nor can be: it was tried, and the error says so.
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    nobody.bind(anywhere).expect("there is a free port");
    let port = nobody.local_addr().expect("it is bound").port();
    let url = format!("http://127.0.0.1:{port}");
    let errors = command(&["load", "small", "--target", &url]).failure();
    assert!(errors.contains("got no answer"), "{errors}");
    let errors = command(&["load", "nonsense", "--target", &url]).failure();
    assert!(errors.contains("general"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_results_of_two_generators_add_up() {
    let app = TestApp::start().await;
    let target = app.http.base();
    let concert = app.http.create_concert("Shared", 300).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| {
        let path = folder.path().join(name);
        path.to_str().expect("ASCII").to_owned()
    };
    let (one, two, both, page) = (
        file("1.json"),
        file("2.json"),
        file("3.json"),
        file("p.html"),
    );
    let sale = ["load", "small", "--scale", "0.2", "--duration", "2s"];
    let run = |json: &str, seed: &str| {
        let own = ["--concert", &concert, "--seed", seed, "--json", json];
        let mut line = process::command();
        line.args(sale).args(["--target", target]).args(own);
        Ended::within(process::LONG_RUN, &mut line).success()
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| run(&two, "2"));
            run(&one, "1");
            other.join().expect("it ends");
        });
    });
    let merged = command(&[
        "load", "merge", &one, &two, "--json", &both, "--html", &page,
    ]);
    let lines = merged.success();
    assert!(
        lines.contains("2 generators") && lines.contains("P1 oversold 0 ok"),
        "{lines}"
    );
    let [one, two, both] = [one, two, both].map(|file| read(Path::new(&file)));
    assert_eq!(both.bought(), 300);
    assert_eq!(both.bought(), one.bought() + two.bought());
    assert_eq!(both.generator.arrived, 400);
    for (kind, requests) in &both.requests {
        let mut sum = one.of_kind(*kind);
        sum.add(&two.of_kind(*kind));
        assert_eq!(*requests, sum, "{kind:?}");
    }
    let timed = |report: &LoadReport| -> u64 {
        report
            .timeline
            .steps
            .values()
            .map(|second| second.latency.count())
            .sum()
    };
    assert_eq!(timed(&both), timed(&one) + timed(&two));
    assert_eq!(both.concerts.len(), 1);
    let page = std::fs::read_to_string(page).expect("the page was written");
    assert!(page.contains("Every promise was kept") && page.contains("2 generators"));
    // Nothing is fetched from anywhere.
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("@import"));
    app.stop().await;
}

/// A result of a generator with this seed.
pub(super) fn result(seed: u64, bought: u64, listed: u64) -> Value {
    let result = include_str!("result.json");
    let mut json: Value = serde_json::from_str(result).expect("it is JSON");
    json["runs"][0]["seed"] = seed.into();
    json["concerts"][0]["bought"] = bought.into();
    json["concerts"][0]["listed"] = listed.into();
    json
}

fn merged(results: [Value; 2]) -> Result<LoadReport, MergeError> {
    let reports = results.map(|one| serde_json::from_value(one).expect("a result"));
    LoadReport::merge(reports.into())
}

#[test]
fn generators_that_oversold_together_are_found_out() {
    let both = |one, two, listed| {
        merged([result(1, one, 100), result(2, two, listed)]).expect("they are alike")
    };
    assert!(both(60, 40, 100).holds());
    let mut half = [result(1, 60, 100), result(2, 40, 100)];
    half[1]["cut_short"] = true.into();
    assert!(merged(half).expect("they are alike").cut_short);
    assert_eq!(super::broken_promises(&both(60, 41, 101)), ["P1 oversold"]);
    // Each listed the ticket too many, and a third one may have sold it.
    for bought in [41, 40] {
        let mut seen = [result(1, 60, 101), result(2, bought, 101)];
        for one in &mut seen {
            one["verdicts"][0]["value"] = 1.0.into();
            one["verdicts"][0]["ok"] = false.into();
        }
        let seen = merged(seen).expect("they are alike");
        let found = &seen.verdicts[0];
        assert_eq!(
            found.to_string().lines().next(),
            Some("P1 oversold 1 BROKEN")
        );
        assert_eq!(
            found.details,
            ["concert c: 101 tickets were sold for 100 seats"]
        );
    }
    // A list that nobody read to its end says nothing of tickets that were sold twice.
    let mut stopped = [result(1, 60, 0), result(2, 40, 0)];
    for one in &mut stopped {
        let verdicts = one["verdicts"].as_array_mut().expect("a list");
        let mut verdict = verdicts[0].clone();
        verdict["name"] = "P9 not-audited".into();
        verdict["ok"] = false.into();
        verdicts.push(verdict);
    }
    let stopped = merged(stopped).expect("they are alike");
    assert_eq!(super::broken_promises(&stopped), ["P9 not-audited"]);
    // Each was given tickets of its own, but one of them is the other's.
    assert_eq!(
        super::broken_promises(&both(60, 40, 99)),
        [""; 0],
        "one of them looked before the other was done"
    );
    let mut twice = [result(1, 50, 99), result(2, 50, 99)];
    assert_eq!(
        super::broken_promises(&merged(twice.clone()).expect("they are alike")),
        ["P4 sold-twice"]
    );
    twice[1]["runs"] = twice[0]["runs"].clone();
    let refused = merged(twice).expect_err("it is the same run");
    assert!(refused.to_string().contains("--seed"), "{refused}");
}

#[test]
fn urgent_prints_are_judged_by_all_generators_together() {
    let urgent = |seed, waits: &[(usize, bool)]| {
        let mut json = result(seed, 1, 2);
        let mut slow = Latency::default();
        slow.record(Duration::from_secs(20));
        let waits = waits.iter().map(|(place, urgent)| {
            json!({ "place": place, "crowd": "customers", "urgent": urgent, "wait": slow })
        });
        json["waits"] = waits.collect();
        json["verdicts"][0] = json!({
            "name": "P7 urgent-p99", "value": 0.0, "unit": "s", "limit": 30.0, "details": [],
            "ok": false,
        });
        json
    };
    let none = merged([urgent(1, &[]), urgent(2, &[])]).expect("they are alike");
    assert_eq!(super::broken_promises(&none), ["P7 urgent-p99"]);
    // A crowd of the same name that is in no hurry is another one.
    let some = [(0, false), (1, true)];
    let both = merged([urgent(1, &some), urgent(2, &some)]).expect("they are alike");
    assert!(both.holds(), "{:?}", both.verdicts);
    let counts = both.waits.iter().map(|waits| waits.wait.count());
    assert_eq!(counts.collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_doubtful_result_does_not_look_like_a_good_one() {
    let mut json = result(1, 1, 1);
    let page = |json: &Value| {
        let report: LoadReport = serde_json::from_value(json.clone()).expect("a result");
        loadtest::page(&report)
    };
    assert!(page(&json).contains("verdict kept"));
    json["warnings"] = json!(["nobody bought anything"]);
    let doubtful = page(&json);
    assert!(doubtful.contains("verdict doubtful") && doubtful.contains("with a warning"));
}
