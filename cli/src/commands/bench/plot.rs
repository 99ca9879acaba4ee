//! A plot of a benchmark's course: an SVG that needs nothing else.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use plotters::prelude::*;

use super::scale::Sample;

const SIZE: (u32, u32) = (960, 480);
const DEPTH: RGBColor = RGBColor(0x8a, 0x8f, 0x98);
const PLACES: RGBColor = RGBColor(0x1f, 0x6f, 0xd6);
const TARGET: RGBColor = RGBColor(0xe0, 0x7a, 0x1f);

/// Draws the length of the queue, on the left, and places and target, on the right, over time. A
/// target beyond twice the places is cut.
pub(super) fn scale(path: &Path, samples: &[Sample], prints: u32) -> anyhow::Result<()> {
    let mut svg = String::new();
    draw(&mut svg, samples, prints)
        .map_err(|error| anyhow!("the plot cannot be drawn: {error}"))?;
    std::fs::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))
}

fn draw(
    svg: &mut String,
    samples: &[Sample],
    prints: u32,
) -> Result<(), DrawingAreaErrorKind<impl std::error::Error + Send + Sync + use<>>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let end_s = samples.last().map_or(1.0, |last| last.at_s.max(1.0));
    let most = samples.iter().map(|sample| sample.places).max();
    let top = f64::from(most.unwrap_or(1).max(1)) * 2.0;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            format!("A burst of {prints} prints on a pool without places"),
            ("sans-serif", 20),
        )
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .right_y_label_area_size(56)
        .build_cartesian_2d(0.0..end_s, 0.0..f64::from(prints) * 1.1)?
        .set_secondary_coord(0.0..end_s, 0.0..top);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .x_desc("seconds")
        .y_desc("prints that wait or are made")
        .draw()?;
    chart
        .configure_secondary_axes()
        .y_label_formatter(&whole)
        .y_desc("places")
        .draw()?;

    let line = |of: fn(&Sample) -> f64| samples.iter().map(move |one| (one.at_s, of(one)));
    #[expect(clippy::cast_precision_loss, reason = "a line on a picture")]
    let depth = LineSeries::new(line(|one| one.depth as f64), DEPTH.stroke_width(2));
    chart
        .draw_series(depth)?
        .label("prints")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], DEPTH.stroke_width(2)));
    let target = line(|one| f64::from(one.target)).map(|(x, y)| (x, y.min(top)));
    chart
        .draw_secondary_series(LineSeries::new(target, TARGET.stroke_width(1)))?
        .label("places needed")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], TARGET.stroke_width(1)));
    let places = LineSeries::new(line(|one| f64::from(one.places)), PLACES.stroke_width(3));
    chart
        .draw_secondary_series(places)?
        .label("places")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], PLACES.stroke_width(3)));
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the axes want it")]
fn whole(mark: &f64) -> String {
    format!("{mark:.0}")
}
