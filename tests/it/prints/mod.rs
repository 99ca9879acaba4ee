//! P6: after a concert's change has been answered, no byte of an older version is served.

mod fence;
mod interleavings;
mod machine;
mod model;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cli::service::Tweaks;
use domain::ids::mix;
use domain::plans::PlanDrawing;
use domain::ports::{RenderError, Renderer};
use domain::prints::{Format, PrintDrawing};

/// Draws at once what matters here, the names, and dawdles at random: hundreds of races cost a
/// second. The shape of the files is that of real ones.
#[derive(Debug, Default)]
struct Sketcher {
    seed: u64,
    drawn: AtomicU64,
}

impl Sketcher {
    fn tweaks(seed: u64) -> Tweaks {
        Tweaks {
            renderer: Some(Arc::new(move |_| Self::renderer(seed))),
            ..Tweaks::default()
        }
    }

    fn renderer(seed: u64) -> Arc<dyn Renderer> {
        Arc::new(Self {
            seed,
            drawn: AtomicU64::new(0),
        })
    }

    async fn dawdle(&self) {
        let random = mix(self.seed ^ self.drawn.fetch_add(1, Ordering::Relaxed));
        for _ in 0..random % 8 {
            tokio::task::yield_now().await;
        }
        if (random >> 32).is_multiple_of(4) {
            tokio::time::sleep(Duration::from_micros(random >> 40 & 0xfff)).await;
        }
    }
}

#[async_trait]
impl Renderer for Sketcher {
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError> {
        self.dawdle().await;
        let (id, name) = (drawing.ticket.id, &drawing.concert.name);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>{id}</desc><text>{name}</text></svg>"
        );
        Ok(match format {
            Format::Svg => svg.into(),
            Format::Pdf => format!("%PDF-1.7\n{svg}\n%%EOF\n").into(),
            Format::Png => [b"\x89PNG", svg.as_bytes(), b"IEND\xae\x42\x60\x82"]
                .concat()
                .into(),
        })
    }

    async fn plan(&self, drawing: PlanDrawing) -> Result<Bytes, RenderError> {
        self.dawdle().await;
        let (concert, sold) = (&drawing.concert, drawing.sold.count());
        let (id, name, capacity) = (concert.id, &concert.name, concert.capacity);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>{id}|{capacity}|{sold}</desc>\
             <text>{name}</text></svg>"
        );
        Ok(svg.into())
    }
}
