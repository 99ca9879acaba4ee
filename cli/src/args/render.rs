//! The command line of `render`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// What to draw.
#[derive(Debug, Subcommand)]
pub enum RenderCommand {
    /// Draw a ticket
    #[command(after_help = "Example:\n  \
        ticketoverflow render ticket --example > t.json\n  \
        ticketoverflow render ticket --input t.json --output t.pdf\n  \
        ticketoverflow render ticket --input - --output - --format png < t.json > t.png")]
    Ticket(TicketRenderArgs),
    /// Write the layout of a house that nobody has drawn: theatre, arena or stadium
    #[command(after_help = "Example:\n  \
        ticketoverflow render layout --house arena --seats 15000 --output arena.json")]
    Layout(LayoutArgs),
    /// Draw a seating plan
    #[command(after_help = "Example:\n  \
        ticketoverflow render plan --example > p.json\n  \
        ticketoverflow render plan --input p.json --output p.svg\n  \
        ticketoverflow render plan --input p.json --layout house.json --output p.svg")]
    Plan(PlanRenderArgs),
}

/// From where to where to draw a ticket.
#[derive(Debug, Clone, ClapArgs)]
pub struct TicketRenderArgs {
    /// As for plans.
    #[command(flatten)]
    pub render: RenderArgs,
    /// Instead of the document's: en, de, fr, es, it, ro, ar or ja
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// Draw it for a phone's screen instead of an A4 page
    #[arg(long)]
    pub phone: bool,
    /// A font file for letters that the built-in ones lack, such as Noto Sans CJK; repeatable
    #[arg(long, value_name = "FILE")]
    pub font: Vec<PathBuf>,
    /// Fail on characters that no typeface has, instead of drawing their code points
    #[arg(long)]
    pub strict: bool,
    /// Dots an inch of a PNG, 36 to 600
    #[arg(long, value_name = "N", default_value_t = 150)]
    pub dpi: u32,
}

/// Which house to write down.
#[derive(Debug, Clone, ClapArgs)]
pub struct LayoutArgs {
    /// What sort of house
    #[arg(long, value_enum)]
    pub house: HouseArg,
    /// Its places
    #[arg(long, default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(1..=150_000))]
    pub seats: u32,
    /// The layout, JSON; standard output if not given, or `-`
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Houses that can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HouseArg {
    /// Stalls and balconies around a stage
    Theatre,
    /// A standing floor and two tiers
    Arena,
    /// A pitch and three tiers
    Stadium,
}

/// From where to where to draw a plan.
#[derive(Debug, Clone, ClapArgs)]
pub struct PlanRenderArgs {
    /// As for tickets.
    #[command(flatten)]
    pub render: RenderArgs,
    /// The house's seating layout, JSON, as it is uploaded to a server; plain rows without one
    #[arg(long, value_name = "FILE")]
    pub layout: Option<PathBuf>,
    /// Draw only this section, with an element for every seat (SVG)
    #[arg(long, value_name = "NAME")]
    pub section: Option<String>,
    /// Width of a PNG in pixels, 200 to 4000
    #[arg(long, value_name = "N", default_value_t = 1_600)]
    pub width: u32,
}

/// From where to where to draw.
#[derive(Debug, Clone, ClapArgs)]
pub struct RenderArgs {
    /// The document, JSON; `-` for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    pub input: Option<PathBuf>,
    /// The picture; its ending chooses the format: .svg, .pdf or .png. `-` for standard output, SVG
    /// if --format says nothing else
    #[arg(long, value_name = "FILE", required_unless_present = "example")]
    pub output: Option<PathBuf>,
    /// The format, whatever the ending
    #[arg(long, value_enum)]
    pub format: Option<FormatArg>,
    /// Print an example document and draw nothing
    #[arg(long, conflicts_with_all = ["input", "output", "format"])]
    pub example: bool,
}

/// What a picture can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Scalable, for pages
    Svg,
    /// For printers; tickets only
    Pdf,
    /// Dots
    Png,
}
