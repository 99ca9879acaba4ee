//! A ticket as the ledger knows it, and what its print is worth.

use crate::clock::Timestamp;
use crate::ids::{ConcertId, TicketId, UserId};
use crate::seat::SeatNo;

/// A ticket, read together with its concert's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The concert that it admits to.
    pub concert_id: ConcertId,
    /// Its holder.
    pub user_id: UserId,
    /// The seat, unique within the concert.
    pub seat: SeatNo,
    /// When it was bought.
    pub bought_at: Timestamp,
    /// What was last done about printing it.
    pub print: Print,
    /// The concert's version at the moment of reading.
    pub concert_version: u32,
}

/// What was last done about a ticket's print. Whether it is still good depends on the concert's
/// version, so that renaming a concert need not touch its tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// Nothing yet.
    Never,
    /// A job is to render it.
    Pending,
    /// Rendered from this version of the concert.
    Done {
        /// The concert's version that the files show.
        version: u32,
    },
    /// Rendering failed for good at this version of the concert.
    Failed {
        /// The concert's version at that moment.
        version: u32,
    },
}

/// What a client is told about a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrintStatus {
    /// There is no print of the current version.
    NotPrinted,
    /// One is being made.
    Pending,
    /// There is one.
    Printed,
    /// It could not be made.
    Error,
}

impl Ticket {
    /// The status of the print against the concert as it is now.
    pub fn print_status(&self) -> PrintStatus {
        match self.print {
            Print::Pending => PrintStatus::Pending,
            Print::Done { version } if version == self.concert_version => PrintStatus::Printed,
            Print::Failed { version } if version == self.concert_version => PrintStatus::Error,
            Print::Never | Print::Done { .. } | Print::Failed { .. } => PrintStatus::NotPrinted,
        }
    }
}

impl PrintStatus {
    /// As written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPrinted => "NOT_PRINTED",
            Self::Pending => "PENDING",
            Self::Printed => "PRINTED",
            Self::Error => "ERROR",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn a_print_counts_only_for_the_version_it_shows() {
        let status = |print, concert_version| {
            let id = Uuid::nil();
            Ticket {
                id: TicketId(id),
                concert_id: ConcertId(id),
                user_id: UserId(id),
                seat: SeatNo(0),
                bought_at: from_micros(0),
                print,
                concert_version,
            }
            .print_status()
        };
        assert_eq!(status(Print::Never, 1), PrintStatus::NotPrinted);
        assert_eq!(status(Print::Pending, 2), PrintStatus::Pending);
        assert_eq!(status(Print::Done { version: 2 }, 2), PrintStatus::Printed);
        assert_eq!(
            status(Print::Done { version: 1 }, 2),
            PrintStatus::NotPrinted
        );
        assert_eq!(status(Print::Failed { version: 2 }, 2), PrintStatus::Error);
        assert_eq!(
            status(Print::Failed { version: 1 }, 2),
            PrintStatus::NotPrinted
        );
    }
}
