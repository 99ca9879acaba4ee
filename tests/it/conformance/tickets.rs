//! Tickets are written once a seat, and each is listed once.

use std::collections::BTreeSet;

use domain::concert::{Concert, Status};
use domain::ids::IdSource;
use domain::ports::{BATCH_MAX, BucketPlan};
use domain::seat::SeatNo;
use domain::ticket::{Print, Ticket};
use domain::tickets::{Cursor, NewTicket, TicketFilter};
use domain::{TicketId, UserId};

use super::Env;

/// Reads a list to its end, two tickets at a time.
async fn list_all(env: &Env, filter: TicketFilter) -> Vec<Ticket> {
    let mut view = env.read().await;
    let mut all: Vec<Ticket> = Vec::new();
    loop {
        let after = all.last().map(Ticket::cursor);
        let page = view.list_tickets(filter, after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        assert!(all.len() < 100, "the list never ends");
    }
}

fn ids(tickets: &[Ticket]) -> BTreeSet<TicketId> {
    tickets.iter().map(|ticket| ticket.id).collect()
}

conformance! {
    /// Ports: insert_tickets, find_ticket.
    async fn ticket_is_found_as_it_was_written(env) {
        let concert = env.concert(10).await;
        let new = env.sell(&concert, &[9]).await[0];
        let found = env.read().await.find_ticket(new.id).await.unwrap().unwrap();
        assert_eq!(
            found,
            Ticket {
                id: new.id,
                concert_id: concert.id,
                user_id: new.user_id,
                seat: SeatNo(9),
                bought_at: env.now(),
                print: Print::Never,
                concert_version: 1,
            }
        );
    }

    async fn unknown_ticket_is_none(env) {
        let id = TicketId(env.ids.next());
        assert_eq!(env.read().await.find_ticket(id).await.unwrap(), None);
    }

    /// Port: find_tickets.
    async fn of_several_tickets_each_that_there_is_is_found_once(env) {
        let (one, other) = (env.concert(10).await, env.concert(10).await);
        let sold = [env.sell(&one, &[0, 1]).await, env.sell(&other, &[7]).await].concat();
        let unknown = TicketId(env.ids.next());
        let asked = [sold[2].id, unknown, sold[0].id, sold[2].id];
        let found = env.read().await.find_tickets(&asked).await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(ids(&found), BTreeSet::from([sold[0].id, sold[2].id]));
        let all = vec![sold[1].id; domain::ports::BATCH_MAX];
        assert_eq!(env.read().await.find_tickets(&all).await.unwrap().len(), 1);
        assert_eq!(env.read().await.find_tickets(&[]).await.unwrap(), []);
    }

    async fn ticket_is_read_with_its_concerts_present_version(env) {
        let concert = env.concert(10).await;
        let ticket = env.sell(&concert, &[0]).await[0];
        env.rename(&concert).await;
        let found = env.read().await.find_ticket(ticket.id).await.unwrap().unwrap();
        assert_eq!(found.concert_version, 2);
    }

    async fn of_two_tickets_for_a_seat_the_first_wins(env) {
        let concert = env.concert(10).await;
        let (one, two) = (env.ticket(concert.id, 3), env.ticket(concert.id, 3));
        let (other, late) = (env.ticket(concert.id, 4), env.ticket(concert.id, 3));
        let mut tx = env.begin().await;
        let written = tx.insert_tickets(&[one, two, other]).await.unwrap();
        assert_eq!(written, [true, false, true]);
        tx.commit().await.unwrap();
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&[late]).await.unwrap(), [false]);
        assert_eq!(tx.find_ticket(one.id).await.unwrap().unwrap().seat, SeatNo(3));
        assert_eq!(tx.find_ticket(two.id).await.unwrap(), None);
        assert_eq!(tx.find_ticket(late.id).await.unwrap(), None);
    }

    async fn ticket_that_is_there_already_is_not_written_again(env) {
        let concert = env.concert(10).await;
        let (one, other) = (env.sell(&concert, &[3]).await[0], env.ticket(concert.id, 4));
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&[one, other]).await.unwrap(), [false, true]);
        tx.commit().await.unwrap();
        let listed = list_all(env, TicketFilter::default()).await;
        assert_eq!(ids(&listed), BTreeSet::from([one.id, other.id]));
        assert_eq!(listed.len(), 2);
    }

    async fn seats_outside_the_hall_are_not_sold(env) {
        let concert = env.concert(2).await;
        let tickets = [0, 2, 1, u32::MAX].map(|seat| env.ticket(concert.id, seat));
        let mut tx = env.begin().await;
        let written = tx.insert_tickets(&tickets).await.unwrap();
        assert_eq!(written, [true, false, true, false]);
    }

    async fn concerts_that_are_not_on_sale_sell_nothing(env) {
        let mut tickets = Vec::new();
        for status in Status::ALL {
            let concert = Concert { status, ..env.new_concert(5) };
            let mut tx = env.begin().await;
            tx.insert_concert(&concert).await.unwrap();
            tx.commit().await.unwrap();
            tickets.push(env.ticket(concert.id, 0));
        }
        tickets.push(env.ticket(env.new_concert(5).id, 0));
        let mut tx = env.begin().await;
        let written = tx.insert_tickets(&tickets).await.unwrap();
        let on_sale: Vec<_> = Status::ALL.iter().map(|&status| status == Status::Active).collect();
        assert_eq!(written[..3], on_sale);
        assert!(!written[3], "a ticket of an unknown concert was written");
    }

    async fn largest_batch_over_several_concerts_is_written_at_once(env) {
        let concerts = [env.concert(1_000).await, env.concert(1_000).await];
        let tickets: Vec<_> = (0u32..)
            .take(BATCH_MAX)
            .map(|n| env.ticket(concerts[n as usize % 2].id, n / 2))
            .collect();
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&tickets).await.unwrap(), vec![true; BATCH_MAX]);
        assert_eq!(tx.insert_tickets(&[]).await.unwrap(), Vec::<bool>::new());
        tx.commit().await.unwrap();
        let sold = env.read().await.list_sold(concerts[1].id, SeatNo(0), 1_000).await.unwrap();
        assert_eq!(sold.len(), 500);
    }

    /// Port: list_tickets.
    async fn lists_of_every_filter_hold_each_ticket_once(env) {
        let concerts = [env.concert(10).await, env.concert(10).await, env.concert(10).await];
        let users = [UserId(env.ids.next()), UserId(env.ids.next())];
        let tickets: Vec<_> = (0..15u32)
            .map(|n| NewTicket {
                user_id: users[n as usize % 2],
                ..env.ticket(concerts[n as usize % 3].id, 9 - n / 3)
            })
            .collect();
        let mut tx = env.begin().await;
        assert_eq!(tx.insert_tickets(&tickets).await.unwrap(), [true; 15]);
        tx.commit().await.unwrap();
        for concert_id in [None, Some(concerts[0].id), Some(concerts[1].id), Some(concerts[2].id)] {
            for user_id in [None, Some(users[0]), Some(users[1])] {
                let filter = TicketFilter { concert_id, user_id };
                let expected: BTreeSet<_> = tickets
                    .iter()
                    .filter(|ticket| concert_id.is_none_or(|id| id == ticket.concert_id))
                    .filter(|ticket| user_id.is_none_or(|id| id == ticket.user_id))
                    .map(|ticket| ticket.id)
                    .collect();
                let listed = list_all(env, filter).await;
                assert_eq!(listed.len(), expected.len(), "{filter:?}");
                assert_eq!(ids(&listed), expected, "{filter:?}");
            }
        }
    }

    async fn list_of_a_user_holds_every_ticket_however_many_others_were_sold_between(env) {
        let concerts = [env.concert(4_000).await, env.concert(4_000).await];
        let user = UserId(env.ids.next());
        let mut own = BTreeSet::new();
        let mut tx = env.begin().await;
        for batch in 0..6u32 {
            let mut tickets: Vec<_> = (0..1_000u32)
                // From the back, so that the order of writing is not the order of the seats.
                .map(|n| env.ticket(concerts[n as usize % 2].id, 3_999 - batch * 500 - n / 2))
                .collect();
            for at in [0, 1, 2, 500, 999] {
                tickets[at].user_id = user;
                own.insert((tickets[at].id, tickets[at].concert_id));
            }
            assert_eq!(tx.insert_tickets(&tickets).await.unwrap(), vec![true; 1_000]);
        }
        tx.commit().await.unwrap();
        for concert_id in [None, Some(concerts[0].id), Some(concerts[1].id)] {
            let listed = list_all(env, TicketFilter { concert_id, user_id: Some(user) }).await;
            let expected: BTreeSet<_> = own
                .iter()
                .filter(|(_, concert)| concert_id.is_none_or(|id| id == *concert))
                .map(|(ticket, _)| *ticket)
                .collect();
            assert_eq!(listed.len(), expected.len());
            assert_eq!(ids(&listed), expected);
        }
    }

    async fn list_of_a_concert_understands_a_cursor_in_another_one(env) {
        let mut concerts = [env.concert(10).await, env.concert(10).await];
        concerts.sort_unstable_by_key(|concert| concert.id);
        for concert in &concerts {
            env.sell(concert, &[1, 2]).await;
        }
        let after = |at: usize| Some(Cursor { concert_id: concerts[at].id, seat: SeatNo(1) });
        let only = |at: usize| TicketFilter { concert_id: Some(concerts[at].id), user_id: None };
        let mut view = env.read().await;
        assert_eq!(view.list_tickets(only(1), after(0), 9).await.unwrap().len(), 2);
        assert_eq!(view.list_tickets(only(1), after(1), 9).await.unwrap().len(), 1);
        assert_eq!(view.list_tickets(only(0), after(1), 9).await.unwrap().len(), 0);
    }

    /// Port: count_sold.
    async fn sold_seats_are_counted_bucket_by_bucket(env) {
        let (concert, other) = (env.concert(25).await, env.concert(25).await);
        env.sell(&concert, &[0, 9, 10, 24]).await;
        env.sell(&other, &[15]).await;
        let plan = BucketPlan { capacity: 25, width: 10 };
        let mut view = env.read().await;
        let counted = view.count_sold(concert.id, plan).await.unwrap();
        assert_eq!(counted, [(0, 2, SeatNo(9)), (1, 1, SeatNo(10)), (2, 1, SeatNo(24))]);
        let counted = view.count_sold(other.id, plan).await.unwrap();
        assert_eq!(counted, [(1, 1, SeatNo(15))]);
        let empty = BucketPlan::of(0);
        assert_eq!(view.count_sold(env.new_concert(0).id, empty).await.unwrap(), []);
    }

    /// Port: list_sold.
    async fn sold_seats_are_listed_in_order_from_a_seat_on(env) {
        let concert = env.concert(100).await;
        env.sell(&concert, &[50, 3, 99, 0, 51]).await;
        let mut view = env.read().await;
        let seats = view.list_sold(concert.id, SeatNo(0), 10).await.unwrap();
        assert_eq!(seats, [0, 3, 50, 51, 99].map(SeatNo));
        let seats = view.list_sold(concert.id, SeatNo(3), 2).await.unwrap();
        assert_eq!(seats, [3, 50].map(SeatNo));
        let seats = view.list_sold(concert.id, SeatNo(100), 2).await.unwrap();
        assert_eq!(seats, []);
    }
}
