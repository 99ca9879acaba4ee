//! Idempotency keys.

use bytes::Bytes;
use chrono::TimeDelta;
use domain::keys::{Answer, StoredKey};
use domain::ports::KeyView;

use super::{Env, micros};

fn key(env: &Env, key: &str) -> StoredKey {
    StoredKey {
        key: key.into(),
        fingerprint: [0xa5; 32],
        answer: Answer {
            status: 201,
            headers: vec![
                ("etag".into(), "\"1\"".into()),
                ("etag".into(), String::new()),
            ],
            body: Bytes::from_static(b"{\"a\": \"\xc3\xa9\"}\0\xff"),
        },
        created_at: env.now(),
    }
}

async fn find(view: &mut (impl KeyView + ?Sized), key: &str) -> Option<StoredKey> {
    view.find_keys(&[key.to_owned()]).await.unwrap().pop()
}

async fn insert(env: &Env, keys: &[StoredKey]) -> Vec<bool> {
    let expired_before = env.now() - TimeDelta::hours(24);
    let mut tx = env.begin().await;
    let added = tx.insert_keys(keys, expired_before).await.unwrap();
    tx.commit().await.unwrap();
    added
}

conformance! {
    /// Ports: insert_keys, find_keys.
    async fn answer_is_found_as_it_was_kept(env) {
        let empty = StoredKey {
            answer: Answer { status: 422, headers: vec![], body: Bytes::new() },
            ..key(env, "'; -- \"日本\" \\")
        };
        for kept in [key(env, "a"), empty] {
            assert_eq!(insert(env, std::slice::from_ref(&kept)).await, [true]);
            assert_eq!(find(&mut *env.read().await, &kept.key).await, Some(kept));
        }
        assert_eq!(find(&mut *env.read().await, "A").await, None);
    }

    /// Port: find_keys.
    async fn keys_that_there_are_are_found_each_once(env) {
        let kept = [key(env, "a"), key(env, "b"), key(env, "c")];
        insert(env, &kept).await;
        let asked = ["c", "unknown", "a", "c"].map(String::from);
        let mut found = env.read().await.find_keys(&asked).await.unwrap();
        found.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(found, [kept[0].clone(), kept[2].clone()]);
        assert_eq!(env.read().await.find_keys(&[]).await.unwrap(), []);
    }

    async fn of_two_equal_keys_the_first_wins(env) {
        let first = key(env, "a");
        let second = StoredKey { fingerprint: [1; 32], ..key(env, "a") };
        let keys = [first.clone(), key(env, "b"), second.clone()];
        assert_eq!(insert(env, &keys).await, [true, true, false]);
        assert_eq!(insert(env, &[key(env, "c"), second]).await, [true, false]);
        assert_eq!(find(&mut *env.read().await, "a").await, Some(first));
        assert_eq!(insert(env, &[]).await, Vec::<bool>::new());
    }

    async fn expired_key_is_replaced_and_a_younger_one_is_not(env) {
        insert(env, &[key(env, "old")]).await;
        env.clock.advance(micros(1));
        insert(env, &[key(env, "young")]).await;
        env.clock.advance(TimeDelta::hours(24));
        let (old, young) = (key(env, "old"), key(env, "young"));
        assert_eq!(insert(env, &[old.clone(), young.clone()]).await, [true, false]);
        let mut view = env.read().await;
        assert_eq!(find(&mut *view, "old").await, Some(old));
        assert_ne!(find(&mut *view, "young").await, Some(young));
    }

    async fn key_of_a_rolled_back_transaction_is_free(env) {
        let mut tx = env.begin().await;
        tx.insert_keys(&[key(env, "a")], env.now()).await.unwrap();
        drop(tx);
        assert_eq!(insert(env, &[key(env, "a")]).await, [true]);
    }

    /// Port: delete_keys.
    async fn deleted_keys_are_free_and_the_others_stay(env) {
        insert(env, &[key(env, "a"), key(env, "b"), key(env, "c")]).await;
        let mut tx = env.begin().await;
        tx.delete_keys(&["a", "c", "unknown"]).await.unwrap();
        tx.delete_keys(&[]).await.unwrap();
        tx.commit().await.unwrap();
        let added = insert(env, &[key(env, "a"), key(env, "b"), key(env, "c")]).await;
        assert_eq!(added, [true, false, true]);
    }

    /// Port: prune_keys.
    async fn pruning_takes_only_what_is_older_and_only_so_many(env) {
        for name in ["a", "b", "c", "d"] {
            insert(env, &[key(env, name)]).await;
            env.clock.advance(TimeDelta::seconds(1));
        }
        let (now, kept) = (env.now(), TimeDelta::seconds(1));
        let mut tx = env.begin().await;
        assert_eq!(tx.prune_keys(now, kept, 2).await.unwrap(), 2);
        assert_eq!(find(&mut *tx, "b").await, None);
        assert!(find(&mut *tx, "c").await.is_some());
        assert_eq!(tx.prune_keys(now, kept, 2).await.unwrap(), 1);
        assert_eq!(tx.prune_keys(now, kept, 2).await.unwrap(), 0);
        assert!(find(&mut *tx, "d").await.is_some());
    }
}
