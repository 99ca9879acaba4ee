//! What answers say, as far as a visit needs it.

/// What became of a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PrintStatus {
    NotPrinted,
    Pending,
    Printed,
    Error,
}

pub(super) fn print_status(status: u16, body: &[u8]) -> Option<PrintStatus> {
    #[derive(serde::Deserialize)]
    struct Ticket {
        print_status: PrintStatus,
    }
    let ticket: Ticket = (status == 200).then(|| serde_json::from_slice(body).ok())??;
    Some(ticket.print_status)
}

/// The id of a ticket, as text and as a number. Our server writes it first; others need not.
pub(super) fn ticket_id(body: &[u8]) -> Option<(String, u128)> {
    #[derive(serde::Deserialize)]
    struct Ticket {
        id: String,
    }
    let first = || {
        let rest = body.strip_prefix(br#"{"id":""#)?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        let id = std::str::from_utf8(&rest[..end]).ok()?;
        (!id.contains('\\')).then(|| id.to_owned())
    };
    let id = match first() {
        Some(id) => id,
        None => serde_json::from_slice::<Ticket>(body).ok()?.id,
    };
    let number = uuid::Uuid::parse_str(&id).ok()?.as_u128();
    Some((id, number))
}

/// What a plan says of itself: concert, capacity, purchases.
pub(crate) fn plan_desc(body: &[u8]) -> Option<(String, u32, u32)> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<desc>")?;
    let (desc, _) = rest.split_once("</desc>")?;
    let mut parts = desc.split('|');
    let id = parts.next()?.to_owned();
    let (capacity, purchased) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some((id, capacity, purchased))
}
