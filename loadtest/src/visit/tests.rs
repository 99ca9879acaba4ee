use super::*;

#[test]
fn ids_are_found_wherever_they_stand() {
    let id = "0190163d-8694-739b-aea5-966c26f8ad90";
    let first = format!(r#"{{"id":"{id}","concert":{{"id":"x"}}}}"#);
    let last = format!(r#"{{"concert":{{"id":"x"}}, "id" : "{id}"}}"#);
    for body in [first, last] {
        assert_eq!(ticket_id(body.as_bytes()).unwrap().0, id);
    }
    assert!(ticket_id(b"{}").is_none() && ticket_id(br#"{"id":"7"}"#).is_none());
}

#[test]
fn who_waits_for_a_print_asks_often_at_first_and_seldom_at_last() {
    let (mut waited, mut pause, mut pauses) = (Duration::ZERO, POLL_FIRST, Vec::new());
    while waited < PRINT_PATIENCE {
        pauses.push(pause);
        waited += pause;
        pause = next_pause(pause, waited);
    }
    let within = |limit: Duration| {
        let ends = pauses.iter().scan(Duration::ZERO, |sum, pause| {
            *sum += *pause;
            Some(*sum)
        });
        ends.filter(|end| *end <= limit).count()
    };
    assert!(within(Duration::from_secs(1)) >= 7, "{pauses:?}");
    assert!(within(Duration::from_mins(1)) < 60, "{pauses:?}");
    assert!(pauses.is_sorted() && pauses.last() == Some(&POLL_LAST));
}

#[test]
fn a_plan_says_what_it_shows() {
    let plan = b"<svg><desc>c|30|7</desc></svg>";
    assert_eq!(plan_desc(plan), Some(("c".into(), 30, 7)));
    assert_eq!(plan_desc(b"<svg><desc>c|30</desc></svg>"), None);
    assert_eq!(plan_desc(b"<svg/>"), None);
}
