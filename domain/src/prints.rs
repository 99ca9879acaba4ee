//! Printing tickets: asking for a print, publishing it, handing it out.
//!
//! The fence: a print is published by one statement that compares the job's claim and the
//! concert's version, and it is handed out only while it shows the concert's present version.

use std::sync::Arc;

use bytes::Bytes;

use crate::again::{self, Broken, Earlier};
use crate::clock::Timestamp;
use crate::concert::Concert;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ids::{JobId, TicketId};
use crate::job::{NewJob, Queue, RenderTicket};
use crate::keys::{self, Answered, KEPT_FOR, Keyed};
use crate::plans::Plan;
use crate::ports::StoreResult;
use crate::seat::SeatLabel;
use crate::show::{Show, Showtime};
use crate::ticket::{PrintStatus, Ticket};
use crate::user::User;
use crate::{concerts, layouts, shows, tickets};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For browsers; the contract's format.
    Svg,
    /// For printers.
    Pdf,
    /// For phones.
    Png,
}

/// The languages that prints are there in, by their tags (BCP 47); the first is the usual one.
pub const LANGUAGES: [&str; 8] = ["en", "de", "fr", "es", "it", "ro", "ar", "ja"];

/// How a print is made for the one who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Style {
    /// One of [`LANGUAGES`].
    pub language: &'static str,
    /// For a phone's screen instead of an A4 page.
    pub phone: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            language: LANGUAGES[0],
            phone: false,
        }
    }
}

/// Everything that a ticket shows.
#[derive(Debug, Clone)]
pub struct PrintDrawing {
    /// The ticket.
    pub ticket: Ticket,
    /// Its concert, of the version that is drawn.
    pub concert: Arc<Concert>,
    /// Its holder.
    pub holder: User,
    /// Where to sit.
    pub seat: SeatLabel,
    /// What the venue says beyond the concert: hours and terms, here.
    pub show: Arc<Show>,
    /// The signed code, see [`crate::code`].
    pub code: String,
    /// The language and the sheet.
    pub style: Style,
}

/// A print that was current when it was read.
#[derive(Debug, Clone)]
pub struct PrintFile {
    /// The file.
    pub bytes: Bytes,
    /// The concert's version that it shows.
    pub version: u32,
}

/// What the ledger found when a print was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrintRequest {
    /// It is pending now, and needs a job; and when the show is.
    Queued(Ticket, Showtime),
    /// It is pending or printed already.
    Already(Ticket),
    /// There is no such ticket.
    Unknown,
}

/// A write that belongs to the settlement of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// The ticket's print shows this version of the concert.
    PublishPrint {
        /// The ticket.
        ticket_id: TicketId,
        /// The concert's version that was rendered.
        version: u32,
    },
    /// The ticket's print failed for good.
    FailPrint {
        /// The ticket.
        ticket_id: TicketId,
    },
    /// The concert has a new seating plan.
    PublishPlan(Plan),
}

/// Whether a fenced publication took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It did.
    Yes,
    /// The concert has another version by now: render again.
    VersionMoved,
    /// Nobody waits for it any more, or something newer is published.
    NotWanted,
    /// The claim does not stand: somebody else runs the job.
    ClaimLost,
}

/// Asks for a print. Pending and good prints are left as they are; one render is enough.
pub async fn request(
    ctx: &Context,
    ticket_id: TicketId,
    trace: Option<String>,
    keyed: Option<Keyed<Ticket>>,
) -> Result<Answered<Ticket>, Error> {
    let order = PrintOrder {
        ticket_id,
        trace,
        keyed: keyed.clone(),
    };
    match ctx.print_orders.submit(order).await? {
        PrintAck::Known(ticket) => Ok(Answered::Now(ticket)),
        PrintAck::Unknown => Err(Error::NotFound("ticket")),
        PrintAck::KeyTaken => {
            let keyed = keyed.as_ref().expect("only a request with a key loses one");
            keys::replay(ctx, keyed).await
        }
    }
}

/// The print of a ticket, if there is one of the concert's present version. A file that was lost
/// or cut short, or whose store is away, is drawn again from the ledger, and so is what nobody asked
/// for before: another language, or the page for a phone.
pub async fn fetch(
    ctx: &Context,
    id: TicketId,
    format: Format,
    style: Style,
) -> Result<PrintFile, Error> {
    let ticket = tickets::find(ctx, id).await?;
    if ticket.print_status() != PrintStatus::Printed {
        return Err(Error::NotFound("print"));
    }
    let version = ticket.concert_version;
    let key = file_key(id, version, format, style);
    let bytes = match ctx.files.get(&key).await {
        Ok(Some(bytes)) if format.is_whole(&bytes) => bytes,
        Ok(_) => {
            let bytes = draw_again(ctx, ticket, format, style).await?;
            if let Err(error) = ctx.files.put(&key, bytes.clone()).await {
                tracing::debug!(%error, "a print that was drawn again is not kept");
            }
            bytes
        }
        Err(error) => {
            tracing::debug!(%error, "a print is drawn again");
            draw_again(ctx, ticket, format, style).await?
        }
    };
    // A change may have been answered while the file was read: nothing old leaves after that.
    if tickets::find(ctx, id).await?.concert_version != version {
        return Err(Error::NotFound("print"));
    }
    Ok(PrintFile { bytes, version })
}

async fn draw_again(
    ctx: &Context,
    ticket: Ticket,
    format: Format,
    style: Style,
) -> Result<Bytes, Error> {
    let version = ticket.concert_version;
    let mut drawing = drawing(ctx, ticket)
        .await?
        .ok_or(Error::NotFound("print"))?;
    if drawing.concert.version != version {
        return Err(Error::NotFound("print"));
    }
    drawing.style = style;
    Ok(ctx.renderer.ticket(drawing, format).await?)
}

/// Collects what a ticket shows, from the ledger as it is now. `None` when the ticket's concert
/// or holder are gone.
pub async fn drawing(ctx: &Context, ticket: Ticket) -> Result<Option<PrintDrawing>, Error> {
    let Some(holder) = ctx.users.find(ticket.user_id).cloned() else {
        return Ok(None);
    };
    // The cache will do if it has the very version that the ticket was read with.
    let cached = concerts::cached(ctx, ticket.concert_id).await;
    let concert = match cached {
        Ok(concert) if concert.version == ticket.concert_version => concert,
        Ok(_) => ctx
            .concerts()
            .put(concerts::find(ctx, ticket.concert_id).await?.concert),
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let seat = layouts::label(ctx, &concert, ticket.seat).await?;
    let show = shows::of(ctx, &concert).await?;
    let code = ctx.signer.sign(&ticket, &concert);
    Ok(Some(PrintDrawing {
        ticket,
        concert,
        holder,
        seat,
        show,
        code,
        style: Style::default(),
    }))
}

/// Where the file of a print is kept.
pub fn file_key(ticket: TicketId, version: u32, format: Format, style: Style) -> String {
    let ending = format.extension();
    let Style { language, phone } = style;
    let sheet = if phone { ".phone" } else { "" };
    if style == Style::default() {
        return format!("tickets/{ticket}/v{version}/ticket.{ending}");
    }
    format!("tickets/{ticket}/v{version}/ticket.{language}{sheet}.{ending}")
}

/// A wish for a print that waits to be written.
#[derive(Debug)]
pub(crate) struct PrintOrder {
    ticket_id: TicketId,
    trace: Option<String>,
    keyed: Option<Keyed<Ticket>>,
}

/// What became of a [`PrintOrder`].
#[derive(Debug, Clone)]
pub(crate) enum PrintAck {
    Known(Ticket),
    Unknown,
    KeyTaken,
}

/// Writes a group of print requests with their jobs in one transaction. Writing it again changes
/// no more than answers: what is pending already stays so, and a key gives the answer it has.
pub(crate) async fn write_print_orders(
    parts: Arc<Parts>,
    group: Vec<PrintOrder>,
) -> StoreResult<Vec<PrintAck>> {
    Ok(again::write(|earlier| insert_print_orders(&parts, &group, earlier)).await?)
}

async fn insert_print_orders(
    parts: &Parts,
    group: &[PrintOrder],
    earlier: Earlier,
) -> Result<Vec<PrintAck>, Broken> {
    let now = parts.clock.now();
    let ids: Vec<_> = group.iter().map(|order| order.ticket_id).collect();
    let mut tx = parts.store.begin().await?;
    let found = tx.request_prints(&ids).await?;

    let mut jobs = Vec::new();
    let mut keys = Vec::new();
    let mut acks = Vec::with_capacity(group.len());
    for (order, found) in group.iter().zip(found) {
        let ticket = match found {
            PrintRequest::Queued(ticket, show) => {
                jobs.push(print_job(parts, &ticket, &show, now).traced(order.trace.as_deref()));
                ticket
            }
            PrintRequest::Already(ticket) => ticket,
            PrintRequest::Unknown => {
                acks.push(PrintAck::Unknown);
                continue;
            }
        };
        if let Some(keyed) = &order.keyed {
            keys.push((acks.len(), keyed.stored(&ticket, now)));
        }
        acks.push(PrintAck::Known(ticket));
    }
    if !keys.is_empty() {
        // A lost key changes no more than its answer: asking twice for a print is asking once.
        let (places, keys): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let fresh = tx.insert_keys(&keys, now - KEPT_FOR).await?;
        for (at, fresh) in places.into_iter().zip(fresh) {
            if !fresh {
                acks[at] = PrintAck::KeyTaken;
            }
        }
    }
    if !jobs.is_empty() {
        tx.insert_jobs(&jobs).await?;
    }
    tx.commit().await.map_err(Broken::Committing)?;
    if !jobs.is_empty() || earlier == Earlier::Unknown {
        parts.wakeups.wake(Queue::Prints);
    }
    Ok(acks)
}

fn print_job(parts: &Parts, ticket: &Ticket, show: &Showtime, now: Timestamp) -> NewJob {
    NewJob::of(
        &RenderTicket::of(ticket.id, ticket.concert_id),
        JobId(parts.ids.next()),
        show.due_at(now),
        now,
    )
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Pdf, Self::Png];

    /// As file names end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
        }
    }

    /// Whether a stored file has its end. A machine that lost power may keep half a file.
    fn is_whole(self, bytes: &[u8]) -> bool {
        let end: &[u8] = match self {
            Self::Svg => b"</svg>",
            Self::Pdf => b"%%EOF",
            Self::Png => b"IEND\xae\x42\x60\x82",
        };
        bytes.trim_ascii_end().ends_with(end)
    }
}
