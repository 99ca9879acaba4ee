//! Files are whole or not there.

use bytes::Bytes;

const KEY: &str = "tickets/0190163d-8694-739b-aea5-966c26f8ad90/v3/ticket.svg";

conformance! {
    for files

    /// Ports: put, get.
    async fn file_is_read_as_it_was_written_and_replaced_as_a_whole(env) {
        let long = Bytes::from(vec![7; 300_000]);
        for bytes in [Bytes::new(), long, Bytes::from_static(b"<svg/>")] {
            env.files.put(KEY, bytes.clone()).await.unwrap();
            assert_eq!(env.files.get(KEY).await.unwrap(), Some(bytes));
        }
    }

    async fn missing_file_is_none(env) {
        env.files.put(KEY, Bytes::from_static(b"a")).await.unwrap();
        assert_eq!(env.files.get("tickets/other.svg").await.unwrap(), None);
        assert_eq!(env.files.get("tickets").await.unwrap_or_default(), None);
    }

    async fn reader_sees_a_whole_file_or_none_while_it_is_replaced(env) {
        let writer = {
            let files = env.files.clone();
            tokio::spawn(async move {
                for byte in 0..50 {
                    files.put(KEY, Bytes::from(vec![byte; 100_000])).await.unwrap();
                }
            })
        };
        while !writer.is_finished() {
            if let Some(bytes) = env.files.get(KEY).await.unwrap() {
                assert_eq!(bytes.len(), 100_000);
                assert!(bytes.iter().all(|byte| *byte == bytes[0]));
            }
        }
        writer.await.unwrap();
    }

    /// Port: delete.
    async fn deleted_file_is_gone_and_may_be_deleted_again(env) {
        env.files.put(KEY, Bytes::from_static(b"a")).await.unwrap();
        env.files.delete(KEY).await.unwrap();
        assert_eq!(env.files.get(KEY).await.unwrap(), None);
        env.files.delete(KEY).await.unwrap();
        env.files.put(KEY, Bytes::from_static(b"b")).await.unwrap();
        assert!(env.files.get(KEY).await.unwrap().is_some());
    }

    async fn keys_cannot_leave_the_store(env) {
        for key in ["../escaped", "tickets/../../escaped", "/etc/passwd/.."] {
            assert!(env.files.put(key, Bytes::from_static(b"a")).await.is_err(), "{key}");
            assert!(env.files.get(key).await.is_err(), "{key}");
        }
    }
}
