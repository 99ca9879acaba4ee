//! Prints are asked for, published behind a fence, given up.

use domain::TicketId;
use domain::ids::IdSource;
use domain::job::{Claim, Outcome, Policy, next};
use domain::jobs::{LEASE, LEASE_BELIEVED};
use domain::prints::{PrintRequest, Published};
use domain::show::{Show, Showtime, TimeZone, parse_time};
use domain::ticket::Print;
use domain::tickets::NewTicket;

use super::{Env, stale};

async fn print_of(env: &Env, ticket: TicketId) -> Print {
    env.read()
        .await
        .find_ticket(ticket)
        .await
        .unwrap()
        .unwrap()
        .print
}

async fn request(env: &Env, tickets: &[TicketId]) -> Vec<PrintRequest> {
    let mut tx = env.begin().await;
    let found = tx.request_prints(tickets).await.unwrap();
    tx.commit().await.unwrap();
    found
}

async fn publish(env: &Env, prints: &[(Claim, TicketId, u32)]) -> Vec<Published> {
    let mut tx = env.begin().await;
    let published = tx.publish_prints(prints).await.unwrap();
    tx.commit().await.unwrap();
    published
}

async fn fail(env: &Env, tickets: &[TicketId]) {
    let mut tx = env.begin().await;
    tx.fail_prints(tickets).await.unwrap();
    tx.commit().await.unwrap();
}

fn is_queued(found: &PrintRequest) -> bool {
    matches!(found, PrintRequest::Queued(ticket, _) if ticket.print == Print::Pending)
}

fn is_already(found: &PrintRequest) -> bool {
    matches!(found, PrintRequest::Already(_))
}

conformance! {
    /// Port: request_prints.
    async fn first_request_queues_the_print_and_tells_when_the_show_is(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[4, 5]).await;
        let (ticket, other) = (tickets[0], tickets[1]);
        let found = request(env, &[ticket.id]).await;
        let stored = env.read().await.find_ticket(ticket.id).await.unwrap().unwrap();
        assert_eq!(stored.print, Print::Pending);
        assert_eq!(found, [PrintRequest::Queued(stored, Showtime::on(concert.date))]);
        let show = Show {
            starts_at: parse_time("19:30"),
            time_zone: TimeZone::parse("Asia/Tokyo"),
            ..Show::default()
        };
        let mut tx = env.begin().await;
        tx.put_show(concert.id, &show).await.unwrap();
        tx.commit().await.unwrap();
        let found = request(env, &[other.id]).await;
        let stored = env.read().await.find_ticket(other.id).await.unwrap().unwrap();
        let known = Showtime::of(concert.date, &show);
        assert_eq!(found, [PrintRequest::Queued(stored, known)]);
    }

    async fn of_two_requests_for_a_ticket_one_queues_the_print(env) {
        let concert = env.concert(10).await;
        let ids: Vec<_> = env.sell(&concert, &[0, 1]).await.iter().map(|new| new.id).collect();
        let unknown = TicketId(env.ids.next());
        let found = request(env, &[ids[0], unknown, ids[1], ids[0]]).await;
        assert!(is_queued(&found[0]) && is_queued(&found[2]) && is_already(&found[3]));
        assert_eq!(found[1], PrintRequest::Unknown);
        assert!(request(env, &ids).await.iter().all(is_already));
        assert_eq!(request(env, &[]).await, []);
    }

    async fn good_print_is_left_as_it_is_until_the_concert_changes(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        assert_eq!(publish(env, &[(claim, ticket, 1)]).await, [Published::Yes]);
        assert!(is_already(&request(env, &[ticket]).await[0]));
        assert_eq!(print_of(env, ticket).await, Print::Done { version: 1 });
        env.rename(&concert).await;
        assert!(is_queued(&request(env, &[ticket]).await[0]));
        assert_eq!(print_of(env, ticket).await, Print::Pending);
    }

    async fn failed_print_can_be_asked_for_again(env) {
        let concert = env.concert(10).await;
        let ticket = env.sell(&concert, &[0]).await[0].id;
        request(env, &[ticket]).await;
        fail(env, &[ticket]).await;
        assert!(is_queued(&request(env, &[ticket]).await[0]));
    }

    /// Port: publish_prints.
    async fn prints_are_published_with_the_version_they_show(env) {
        let concert = env.rename(&env.concert(10).await).await;
        let tickets = env.sell(&concert, &[0, 1, 2]).await;
        let claimed = env.claim_prints(&tickets).await;
        let prints: Vec<_> = claimed.iter().map(|&(claim, ticket)| (claim, ticket, 2)).collect();
        assert_eq!(publish(env, &prints).await, [Published::Yes; 3]);
        for NewTicket { id, .. } in tickets {
            assert_eq!(print_of(env, id).await, Print::Done { version: 2 });
        }
        assert_eq!(publish(env, &[]).await, []);
    }

    async fn each_print_of_a_batch_is_judged_by_itself(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0, 1, 2, 3]).await;
        let claimed = env.claim_prints(&tickets).await;
        fail(env, &[claimed[3].1]).await;
        let unknown = TicketId(env.ids.next());
        let published = publish(
            env,
            &[
                (claimed[0].0, claimed[0].1, 1),
                (stale(env, claimed[1].0), claimed[1].1, 1),
                (claimed[2].0, claimed[2].1, 7),
                (claimed[3].0, claimed[3].1, 1),
                (claimed[3].0, unknown, 1),
                (claimed[0].0, claimed[0].1, 1),
            ],
        )
        .await;
        assert_eq!(
            published,
            [
                Published::Yes,
                Published::ClaimLost,
                Published::VersionMoved,
                Published::NotWanted,
                Published::NotWanted,
                Published::NotWanted,
            ]
        );
        assert_eq!(print_of(env, claimed[0].1).await, Print::Done { version: 1 });
        assert_eq!(print_of(env, claimed[1].1).await, Print::Pending);
        assert_eq!(print_of(env, claimed[2].1).await, Print::Pending);
        assert_eq!(print_of(env, claimed[3].1).await, Print::Failed { version: 1 });
    }

    async fn print_of_an_older_version_is_never_published(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        env.rename(&concert).await;
        assert_eq!(publish(env, &[(claim, ticket, 1)]).await, [Published::VersionMoved]);
        assert_eq!(print_of(env, ticket).await, Print::Pending);
        assert_eq!(publish(env, &[(claim, ticket, 2)]).await, [Published::Yes]);
    }

    async fn print_of_a_settled_job_is_not_published(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0]).await;
        let (claim, ticket) = env.claim_prints(&tickets).await[0];
        let transition = {
            let mut view = env.read().await;
            let expired = view.list_expired(env.now() + LEASE, LEASE_BELIEVED, 9).await.unwrap();
            next(&expired[0], &Outcome::Lost, &Policy::DEFAULT, env.now())
        };
        let mut tx = env.begin().await;
        assert_eq!(tx.settle_jobs(&[(claim, transition)]).await.unwrap(), [true]);
        tx.commit().await.unwrap();
        assert_eq!(publish(env, &[(claim, ticket, 1)]).await, [Published::ClaimLost]);
    }

    /// Port: fail_prints.
    async fn only_pending_prints_fail_and_at_the_present_version(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0, 1, 2]).await;
        let claimed = env.claim_prints(&tickets[..2]).await;
        publish(env, &[(claimed[0].0, claimed[0].1, 1)]).await;
        env.rename(&concert).await;
        let unknown = TicketId(env.ids.next());
        fail(env, &[claimed[0].1, claimed[1].1, tickets[2].id, unknown]).await;
        assert_eq!(print_of(env, claimed[0].1).await, Print::Done { version: 1 });
        assert_eq!(print_of(env, claimed[1].1).await, Print::Failed { version: 2 });
        assert_eq!(print_of(env, tickets[2].id).await, Print::Never);
    }
}
