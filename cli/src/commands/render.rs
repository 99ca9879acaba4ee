//! `render`: draws a ticket or a seating plan from a JSON file.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum as _;
use domain::concert::parse_date;
use domain::layout::Layout;
use domain::layout::houses::{self, House};
use renderers::{Language, OnMissing, PlanDocument, Sheet, SoldSeats, TicketDocument};
use serde::de::DeserializeOwned;

use crate::args::{
    FormatArg, HouseArg, LayoutArgs, PlanRenderArgs, RenderArgs, RenderCommand, TicketRenderArgs,
};
use crate::json;
use crate::out;

/// The most bytes of a document: a plan with a million sold seats.
const DOCUMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Draws what the command asks for.
pub fn render(command: &RenderCommand) -> anyhow::Result<()> {
    match command {
        RenderCommand::Ticket(args) if args.render.example => out::json(&example_ticket()),
        RenderCommand::Plan(args) if args.render.example => out::json(&example_plan()),
        RenderCommand::Ticket(args) => draw_ticket(args),
        RenderCommand::Layout(args) => write_layout(args),
        RenderCommand::Plan(args) => draw_plan(args),
    }
}

fn draw_ticket(args: &TicketRenderArgs) -> anyhow::Result<()> {
    let fonts = args.font.iter().map(|path| read_bytes(path));
    let fonts = fonts.collect::<anyhow::Result<Vec<_>>>()?;
    if !fonts.is_empty() {
        renderers::add_fonts(fonts).context("--font")?;
    }
    let read = |input: &Path| {
        let mut document: TicketDocument = read(input)?;
        if let Some(tag) = &args.language {
            document.language = Language::of_tag(tag)
                .with_context(|| format!("--language {tag}: there are no words in it"))?;
        }
        if args.phone {
            document.sheet = Sheet::Phone;
        }
        if args.strict {
            document.on_missing = OnMissing::Refuse;
        }
        Ok(document)
    };
    draw(&args.render, read, |document, format| match format {
        FormatArg::Svg => Some(renderers::ticket_svg(document)),
        FormatArg::Pdf => Some(renderers::ticket_pdf(document)),
        FormatArg::Png => Some(renderers::ticket_png(document, args.dpi)),
    })
}

fn draw_plan(args: &PlanRenderArgs) -> anyhow::Result<()> {
    let read = |input: &Path| {
        let mut document: PlanDocument = read(input)?;
        document.layout = args.layout.as_deref().map(read_layout).transpose()?;
        Ok(document)
    };
    draw(&args.render, read, |document, format| {
        match (format, &args.section) {
            (FormatArg::Svg, Some(section)) => Some(renderers::plan_section_svg(document, section)),
            (FormatArg::Svg, None) => Some(renderers::plan_svg(document)),
            (FormatArg::Png, None) => Some(renderers::plan_png(document, args.width)),
            (FormatArg::Pdf, _) | (FormatArg::Png, Some(_)) => None,
        }
    })
}

fn write_layout(args: &LayoutArgs) -> anyhow::Result<()> {
    let house = match args.house {
        HouseArg::Theatre => House::Theatre,
        HouseArg::Arena => House::Arena,
        HouseArg::Stadium => House::Stadium,
    };
    let document = houses::document(house, args.seats);
    match &args.output {
        Some(output) if !is_standard(output) => {
            std::fs::write(output, document.to_string())
                .with_context(|| format!("{} cannot be written", output.display()))?;
            out::line(format!("{}: {} places", output.display(), args.seats));
            Ok(())
        }
        _ => out::json(&document),
    }
}

/// Every mistake of the layout is told, each with its place.
fn read_layout(path: &Path) -> anyhow::Result<Arc<Layout>> {
    let bytes = read_bytes(path)?;
    let text = json::text(&bytes).with_context(|| path.display().to_string())?;
    let layout = Layout::parse(text).map_err(|invalid| {
        let mistakes = invalid.0.iter();
        let lines = mistakes.map(|mistake| format!("\n  {}: {}", mistake.pointer, mistake.detail));
        anyhow!(
            "{} is no layout:{}",
            path.display(),
            lines.collect::<String>()
        )
    })?;
    Ok(Arc::new(layout))
}

fn draw<Document>(
    args: &RenderArgs,
    read: impl Fn(&Path) -> anyhow::Result<Document>,
    render: impl Fn(&Document, FormatArg) -> Option<Result<Vec<u8>, renderers::RenderError>>,
) -> anyhow::Result<()> {
    let (Some(input), Some(output)) = (&args.input, &args.output) else {
        bail!("--input and --output are needed");
    };
    let document = read(input)?;
    let format = args.format.map_or_else(|| format_of(output), Ok)?;
    let Some(drawn) = render(&document, format) else {
        let format = format!("{format:?}").to_lowercase();
        bail!(
            "--output {}: there is no {format} of that",
            output.display()
        );
    };
    let bytes = drawn.with_context(|| format!("{} cannot be drawn", input.display()))?;
    if is_standard(output) {
        out::bytes(&bytes);
        return Ok(());
    }
    std::fs::write(output, &bytes)
        .with_context(|| format!("{} cannot be written", output.display()))?;
    out::line(format!(
        "{}: {} bytes",
        output.display(),
        out::grouped(bytes.len() as u64)
    ));
    Ok(())
}

/// The format that a file's ending chooses.
fn format_of(output: &Path) -> anyhow::Result<FormatArg> {
    if is_standard(output) {
        return Ok(FormatArg::Svg);
    }
    let ending = output.extension().unwrap_or_default().to_string_lossy();
    FormatArg::from_str(&ending, true).map_err(|_| {
        anyhow!(
            "--output {}: the ending chooses the format, and {ending:?} is none that can be drawn",
            output.display()
        )
    })
}

/// Whether a file's name stands for standard input or output.
fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn read<Document: DeserializeOwned>(path: &Path) -> anyhow::Result<Document> {
    json::read(&read_bytes(path)?)
        .with_context(|| format!("{} is not a document (see --example)", path.display()))
}

fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    if is_standard(path) {
        return read_standard_input();
    }
    let size = std::fs::metadata(path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .len();
    if size > DOCUMENT_BYTES_MAX {
        bail!(
            "{} has {size} bytes; {DOCUMENT_BYTES_MAX} are the most",
            path.display()
        );
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn read_standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes);
    read.context("standard input cannot be read")?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        bail!("standard input has more than {DOCUMENT_BYTES_MAX} bytes");
    }
    Ok(bytes)
}

/// A ticket to try things with.
pub(crate) fn example_ticket() -> TicketDocument {
    TicketDocument {
        ticket_id: "01924f3e-7a10-7c55-9f0e-3b1f6a2d9c41".into(),
        concert_id: "01924f3e-6b02-7f11-8a44-92d0c7e5b613".into(),
        concert_name: "Elsa on Ice".into(),
        venue: "Grand Arena, Hall 1".into(),
        date: parse_date("2027-03-14").expect("a day of the calendar"),
        seat_section: None,
        seat_row: "C".into(),
        seat_number: "17".into(),
        holder_name: "José García".into(),
        holder_email: "jose@example.com".into(),
        code: "6BF0-8+7GR+QK$TS4FJ*UXQO/3Z9KP1".repeat(5),
        ..TicketDocument::default()
    }
}

/// A plan to try things with: 3,000 seats of which two in three are sold.
pub(crate) fn example_plan() -> PlanDocument {
    let ticket = example_ticket();
    PlanDocument {
        concert_id: ticket.concert_id,
        concert_name: ticket.concert_name,
        venue: ticket.venue,
        date: ticket.date,
        capacity: 3_000,
        sold: (0..3_000)
            .filter(|seat| seat % 3 != 0)
            .collect::<SoldSeats>(),
        ..PlanDocument::default()
    }
}
