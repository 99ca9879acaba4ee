//! Hints that there is work.

use std::time::Duration;

use domain::job::Queue;

/// Far beyond what any of these cases takes; only a test that would hang meets it.
const PATIENCE: Duration = Duration::from_mins(5);

hints! { on [local redis redis_cluster];
    /// Ports: wake, woken.
    async fn wakeup_that_came_while_nobody_waited_is_kept(env) {
        for queue in Queue::ALL {
            env.wakeups.wake(queue);
        }
        for queue in Queue::ALL {
            tokio::time::timeout(PATIENCE, env.wakeups.woken(queue)).await.unwrap();
        }
    }

    async fn everybody_who_waits_is_woken(env) {
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let wakeups = env.wakeups.clone();
                tokio::spawn(async move { wakeups.woken(Queue::Prints).await })
            })
            .collect();
        // On a runtime of one thread they have begun to wait once they had their turn.
        tokio::task::yield_now().await;
        env.wakeups.wake(Queue::Prints);
        for waiter in waiters {
            tokio::time::timeout(PATIENCE, waiter).await.unwrap().unwrap();
        }
    }

    async fn queues_are_woken_one_by_one(env) {
        env.wakeups.wake(Queue::Plans);
        let mut prints = Box::pin(env.wakeups.woken(Queue::Prints));
        let plans = env.wakeups.woken(Queue::Plans);
        tokio::select! {
            biased;
            () = &mut prints => panic!("a wakeup reached another queue"),
            () = plans => {}
        }
        env.wakeups.wake(Queue::Prints);
        tokio::time::timeout(PATIENCE, prints).await.unwrap();
    }
}
