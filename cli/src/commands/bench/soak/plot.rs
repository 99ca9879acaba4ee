//! A plot of a soak's course: an SVG that needs nothing else, a panel for each sort of figure.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use domain::size::LedgerSize;
use plotters::prelude::*;

use super::samples::{Sample, course};

const WIDTH: u32 = 960;
const PANEL_HEIGHT: u32 = 180;
const COLOURS: [RGBColor; 3] = [
    RGBColor(0x1f, 0x6f, 0xd6),
    RGBColor(0xe0, 0x7a, 0x1f),
    RGBColor(0x8a, 0x8f, 0x98),
];

/// Figures of one unit.
struct Panel {
    caption: &'static str,
    /// Each with its name, which a single one does without.
    lines: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// Draws every figure over time. `empty` is the ledger before the first ticket.
pub(super) fn plot(path: &Path, samples: &[Sample], empty: &LedgerSize) -> anyhow::Result<()> {
    let mut svg = String::new();
    draw(&mut svg, &panels(samples, empty))
        .map_err(|error| anyhow!("the plot cannot be drawn: {error}"))?;
    std::fs::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))
}

fn panels(samples: &[Sample], empty: &LedgerSize) -> Vec<Panel> {
    let of = |what: fn(&Sample) -> f64| course(samples, what);
    let alone = |caption, line| Panel {
        caption,
        lines: vec![("", line)],
    };
    vec![
        alone("memory, MiB", of(|one| one.memory_mib)),
        alone("open files", of(|one| one.open_files)),
        alone("p99 of purchases, ms", of(|one| one.p99_ms)),
        Panel {
            caption: "jobs in the ledger",
            lines: vec![
                ("wait or run", of(Sample::jobs)),
                ("finished", of(Sample::finished_jobs)),
            ],
        },
        Panel {
            caption: "disk, MiB",
            lines: vec![
                ("ledger", of(Sample::tables_mib)),
                ("its log", of(Sample::log_mib)),
                ("rendered files", of(Sample::rendered_mib)),
            ],
        },
        alone(
            "bytes of the ledger for each ticket",
            // Of the first few tickets each has pages of its own, which would dwarf all others.
            course(&samples[samples.len() / 10..], |one| {
                one.bytes_a_ticket(empty)
            }),
        ),
    ]
}

fn draw(
    svg: &mut String,
    panels: &[Panel],
) -> Result<(), DrawingAreaErrorKind<impl std::error::Error + Send + Sync + use<>>> {
    let height = PANEL_HEIGHT * u32::try_from(panels.len()).unwrap_or(1);
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, area) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        let points = panel.lines.iter().flat_map(|(_, points)| points);
        let (end_s, top) = points.fold((1.0, 1.0), |(end_s, top): (f64, f64), point| {
            (end_s.max(point.0), top.max(point.1))
        });
        let mut chart = ChartBuilder::on(&area)
            .caption(panel.caption, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..end_s, 0.0..top * 1.1)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .y_labels(6)
            .draw()?;
        for ((name, points), colour) in panel.lines.iter().zip(COLOURS) {
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
            let line = chart.draw_series(line)?;
            if !name.is_empty() {
                line.label(*name).legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
            }
        }
        if panel.lines.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.8))
                .draw()?;
        }
    }
    area.present()
}
