//! Shows are kept as they were said last.

use std::str::FromStr;

use chrono::NaiveTime;
use domain::show::{Prices, Show, Terms, TimeZone};

conformance! {
    /// Ports: put_show, find_show.
    async fn show_is_found_as_it_was_said_last(env) {
        let concert = env.concert(3).await;
        assert_eq!(env.read().await.find_show(concert.id).await.unwrap(), None);
        let prices = [("Stalls", "€ 89.00"), ("\"B\"", "0")];
        let prices = prices.map(|(of, price)| (of.to_owned(), price.to_owned()));
        let full = Show {
            starts_at: NaiveTime::from_str("19:30").ok(),
            doors_at: NaiveTime::from_str("00:00").ok(),
            time_zone: TimeZone::parse("Asia/Tokyo"),
            terms: Terms::parse("No refunds.\n東京"),
            prices: Prices::parse(prices).unwrap(),
        };
        for show in [full, Show::default()] {
            let mut tx = env.begin().await;
            tx.put_show(concert.id, &show).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(env.read().await.find_show(concert.id).await.unwrap(), Some(show));
        }
    }
}
