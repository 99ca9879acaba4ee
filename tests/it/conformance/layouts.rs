//! Layouts are kept as they are and listed without their documents.

use domain::LayoutId;
use domain::ids::IdSource;
use domain::layout::StoredLayout;

use super::Env;

fn layout(env: &Env, name: &str) -> StoredLayout {
    StoredLayout {
        id: LayoutId(env.ids.next()),
        name: name.to_owned(),
        seats: 3,
        document: vec![b'{', 0xff, 0, b'}'],
    }
}

conformance! {
    /// Ports: insert_layout, find_layout.
    async fn layout_is_found_as_it_was_written(env) {
        let layout = layout(env, "Große Oper");
        let mut tx = env.begin().await;
        tx.insert_layout(&layout).await.unwrap();
        tx.commit().await.unwrap();
        let mut view = env.read().await;
        assert_eq!(view.find_layout(layout.id).await.unwrap(), Some(layout));
        assert_eq!(view.find_layout(LayoutId(env.ids.next())).await.unwrap(), None);
    }

    /// Port: list_layouts.
    async fn layouts_are_listed_in_order_without_their_documents(env) {
        let mut layouts: Vec<_> = (0..5).map(|n| layout(env, &n.to_string())).collect();
        let mut tx = env.begin().await;
        for layout in &layouts {
            tx.insert_layout(layout).await.unwrap();
        }
        tx.commit().await.unwrap();
        layouts.sort_by_key(|layout| layout.id);
        for layout in &mut layouts {
            layout.document.clear();
        }
        let mut view = env.read().await;
        assert_eq!(view.list_layouts(None, 2).await.unwrap(), layouts[..2]);
        assert_eq!(view.list_layouts(Some(layouts[1].id), 9).await.unwrap(), layouts[2..]);
        assert_eq!(view.list_layouts(Some(layouts[4].id), 9).await.unwrap(), []);
    }

    /// Ports: insert_concert, find_offer.
    async fn concert_keeps_its_layout(env) {
        let layout = layout(env, "Opera");
        let concert = domain::concert::Concert {
            layout_id: Some(layout.id),
            ..env.new_concert(3)
        };
        let mut tx = env.begin().await;
        tx.insert_layout(&layout).await.unwrap();
        tx.insert_concert(&concert).await.unwrap();
        tx.commit().await.unwrap();
        let renamed = env.rename(&concert).await;
        let found = env.read().await.find_offer(concert.id).await.unwrap().unwrap();
        assert_eq!((found.concert.layout_id, found.concert), (Some(layout.id), renamed));
    }
}
