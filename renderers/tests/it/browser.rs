//! What a browser makes of our SVG, against our own drawing of the same ticket.

use std::fs;
use std::process::Command;

use renderers::{Sheet, TicketDocument, ticket_png, ticket_svg};

use crate::support::{named, ticket};

/// The share of pixels that are nowhere nearly as bright in the other picture, neither in their
/// place nor beside it: engines round to other pixels.
pub(crate) fn difference(one: &[u8], two: &[u8]) -> f64 {
    let [(wide, high, one), (w, h, two)] = [grey(one), grey(two)];
    let (width, height) = (wide.min(w), high.min(h));
    let differ = (0..width * height).filter(|at| {
        let (x, y) = (at % width, at / width);
        let here = one[y * wide + x];
        let mut around = (x.saturating_sub(1)..=(x + 1).min(width - 1)).flat_map(|x| {
            let rows = y.saturating_sub(1)..=(y + 1).min(height - 1);
            rows.map(move |y| (x, y))
        });
        !around.any(|(x, y)| here.abs_diff(two[y * w + x]) <= 85)
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of a few million pixels"
    )]
    let share = differ.count() as f64 / (width * height) as f64;
    share
}

/// Width, height and brightness of a PNG.
fn grey(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let channels = info.color_type.samples();
    // Green is most of the brightness.
    let grey = pixels[..info.buffer_size()]
        .chunks_exact(channels)
        .map(|pixel| pixel[channels.min(3) / 2]);
    (info.width as usize, info.height as usize, grey.collect())
}

/// A picture of an SVG as Chromium draws it.
fn in_chromium(svg: &[u8], [width, height]: [u32; 2]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ticket.svg");
    let picture = folder.path().join("ticket.png");
    fs::write(&file, svg).unwrap();
    let profile = folder.path().join("profile");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--hide-scrollbars", "--force-device-scale-factor=1"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap_or_else(|error| panic!("chromium: {error}; install it: apt install chromium"));
    let said = String::from_utf8_lossy(&output.stderr);
    fs::read(&picture).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn browser_draws_a_ticket_as_we_do_without_any_typeface_of_its_own() {
    let names = "Taylor Swift Сергей José שלום سلام Đặng 東京";
    for sheet in [Sheet::A4, Sheet::Phone] {
        for document in [ticket(), named(names)] {
            let document = TicketDocument { sheet, ..document };
            let (size, dpi) = match sheet {
                Sheet::A4 => ([794, 1123], 96),
                Sheet::Phone => ([360, 764], 72),
            };
            let browser = in_chromium(&ticket_svg(&document).unwrap(), size);
            let ours = ticket_png(&document, dpi).unwrap();
            let share = difference(&ours, &browser);
            assert!(share < 0.01, "{share} of the pixels differ, {sheet:?}");
        }
    }
}
