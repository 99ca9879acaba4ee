//! Targets behind TLS: the right one is trusted, and every other one is named with a way out.

use tests::Authority;

use super::front::Front;
use super::wrong::{Defect, WrongServer};
use super::{audit, broken_promises, command, load};

const SALE: [&str; 3] = ["small", "--scale=0.05", "--duration=1s"];

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_over_tls_is_measured_and_its_handshakes_stand_apart() {
    let authority = Authority::new();
    let server = WrongServer::start(Defect::None).await;
    let front = Front::encrypted(server.address(), &authority.issue("127.0.0.1")).await;
    let url = format!("https://{}/api/v1", front.address());
    let file = authority.file();
    let ca = format!("--ca={}", file.display());
    let (report, ended) = load(&url, &[&SALE[..], &[&ca]].concat());
    assert_eq!(broken_promises(&report), [""; 0], "{}", ended.output);
    let handshakes = report.generator.handshakes.count();
    assert!(handshakes > 0);
    assert_eq!(handshakes, report.generator.opened);
    assert_eq!(report.target, format!("https://{}", front.address()));
    let line = ended.output.lines().find(|line| line.starts_with("TLS: "));
    assert!(
        line.is_some_and(|line| line.contains("p99")),
        "{}",
        ended.output
    );
    assert!(loadtest::page(&report).contains("TLS: "));
    ended.success();
    let (ok, found) = audit(&url, &[&ca]);
    assert!(ok, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_trusted_is_named_with_a_way_out() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let server = WrongServer::start(Defect::None).await;
    let other = Front::encrypted(server.address(), &known.issue("elsewhere.example")).await;
    let own = Front::encrypted(server.address(), &unknown.issue("127.0.0.1")).await;
    let (other, own) = (other.address(), own.address());
    let ca = format!("--ca={}", known.file().display());
    let (none, ca): (&[&str], &[&str]) = (&[], &[&ca]);
    for (url, options, words) in [
        (format!("https://{own}"), none, "--ca FILE names"),
        (
            format!("https://{own}"),
            ca,
            "--ca FILE names who issued it",
        ),
        (format!("https://{other}"), ca, "not valid for name"),
        (format!("https://{}", server.address()), ca, "speak TLS"),
        (format!("http://{own}"), none, "https://"),
    ] {
        let line = [&["load", "--target", &url], &SALE[..], options].concat();
        let errors = command(&line).failure();
        assert!(errors.contains(words), "{url} {options:?}: {errors}");
    }
    for address in [other, own] {
        let url = format!("https://{address}");
        let (_, ended) = load(&url, &[&SALE[..], &["--insecure"]].concat());
        ended.success();
    }
}
