//! Sample documents, and the tools that read our outputs.

use std::fs;
use std::process::Command;

use chrono::NaiveDate;
use renderers::{PlanDocument, SoldSeats, TicketDocument};

/// A signed code's length and alphabet.
pub(crate) const CODE: &str = "6BF1ZA%5RB2QK5L3W7N+XL0 9T:HU$4*E/YDOP6C8S-VMGJI.0123456789ABCDEFG\
    HIJKLMNOPQRSTUVWXYZ 6BF1ZA%5RB2QK5L3W7N+XL0 9T:HU$4*E/YDOP6C8S-VMGJI.0123456789";

pub(crate) fn date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 7).unwrap()
}

pub(crate) fn ticket() -> TicketDocument {
    TicketDocument {
        ticket_id: "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".to_owned(),
        concert_id: "0197a3c4-0000-7000-8000-00000000c0de".to_owned(),
        concert_name: "The \"Northern\" Lights & Friends".to_owned(),
        venue: "Sydney Opera House".to_owned(),
        date: date(),
        seat_row: "AB".to_owned(),
        seat_section: None,
        seat_number: "112".to_owned(),
        holder_name: "Zoë O'Brien".to_owned(),
        holder_email: "zoe.obrien@example.org".to_owned(),
        code: CODE.to_owned(),
        ..TicketDocument::default()
    }
}

pub(crate) fn named(name: &str) -> TicketDocument {
    TicketDocument {
        concert_name: name.to_owned(),
        venue: name.to_owned(),
        holder_name: name.to_owned(),
        ..ticket()
    }
}

pub(crate) fn plan(capacity: u32, sold: SoldSeats) -> PlanDocument {
    PlanDocument {
        concert_id: "0197a3c4-0000-7000-8000-00000000c0de".to_owned(),
        concert_name: "The \"Northern\" Lights & Friends".to_owned(),
        venue: "Sydney Opera House".to_owned(),
        date: date(),
        capacity,
        sold,
        ..PlanDocument::default()
    }
}

/// Runs a tool of a Debian package on a file with `bytes`, and gives what it prints.
/// `{}` among the arguments is the file.
pub(crate) fn run(package: &str, tool: &str, arguments: &[&str], bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input");
    fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap();
    let arguments = arguments
        .iter()
        .map(|argument| if *argument == "{}" { file } else { argument });
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{tool}: {error}; install it: apt install {package}"));
    let printed = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{tool} failed:\n{printed}{complaints}"
    );
    // zbarimg looks for a message bus and complains that machines without a desktop have none.
    let complaints = complaints
        .lines()
        .filter(|line| !line.contains("dbus") && *line != "Connection Null");
    let complaints: Vec<_> = complaints.collect();
    assert!(
        complaints.is_empty(),
        "{tool} complained:\n{}",
        complaints.join("\n")
    );
    printed
}

/// What a scanner reads in a PNG.
pub(crate) fn scanned(png: &[u8]) -> String {
    run("zbar-tools", "zbarimg", &["--quiet", "--raw", "{}"], png)
        .trim_end_matches('\n')
        .to_owned()
}

/// The first page of a PDF as an old office printer and a scanner make it: grey, 150 dots an inch.
pub(crate) fn grey_print(pdf: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("page");
    let target = target.to_str().unwrap();
    run(
        "poppler-utils",
        "pdftoppm",
        &["-r", "150", "-gray", "-singlefile", "{}", target],
        pdf,
    );
    let pgm = fs::read(format!("{target}.pgm")).unwrap();
    // `P5`, width, height and 255, each ended by one white byte.
    let mut fields = pgm.splitn(5, u8::is_ascii_whitespace).skip(1);
    let mut field = || fields.next().unwrap();
    let [width, height, _] =
        [field(), field(), field()].map(|digits| str::from_utf8(digits).unwrap().parse().unwrap());
    // Pale ink on grey paper, and dust.
    let faded = field().iter().enumerate().map(|(at, pixel)| {
        let dust = if at.wrapping_mul(2_654_435_761) % 97 == 0 {
            40
        } else {
            0
        };
        (70 + pixel / 2).saturating_sub(dust)
    });
    let faded: Vec<u8> = faded.collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&faded).unwrap();
    drop(writer);
    bytes
}

/// The first page of a PDF as PNG, 150 dots an inch.
pub(crate) fn rasterised(pdf: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("page");
    let target = target.to_str().unwrap();
    run(
        "poppler-utils",
        "pdftoppm",
        &["-r", "150", "-png", "-singlefile", "{}", target],
        pdf,
    );
    fs::read(format!("{target}.png")).unwrap()
}
