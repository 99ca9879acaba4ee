//! What the model of the service knows of concerts and tickets.

use tests::Position;

/// A concert as the model has it.
#[derive(Debug)]
pub(super) struct Concert {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) capacity: u32,
    pub(super) sold: u32,
    pub(super) cancelled: bool,
}

/// A ticket as the model has it.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) concert: usize,
    pub(super) print: Print,
}

/// What the model knows of a print: work that is under way may be done at any moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Print {
    Never,
    /// Pending for certain: it waits at the gate, or for a worker that would wait there.
    Held,
    /// Pending, or printed by now.
    Asked,
    /// It was seen as printed, and nothing has changed since.
    Printed,
    /// The concert changed while it was pending or printed already, nobody knows which.
    Unsure,
}

impl Concert {
    pub(super) fn status(&self) -> &'static str {
        match (self.cancelled, self.sold >= self.capacity) {
            (true, _) => "CANCELLED",
            (false, true) => "SOLD_OUT",
            (false, false) => "ACTIVE",
        }
    }
}

impl Print {
    pub(super) fn allows(self, status: &str) -> bool {
        match self {
            Self::Never => status == "NOT_PRINTED",
            Self::Held => status == "PENDING",
            Self::Asked => ["PENDING", "PRINTED"].contains(&status),
            Self::Printed => status == "PRINTED",
            Self::Unsure => ["NOT_PRINTED", "PENDING", "PRINTED"].contains(&status),
        }
    }

    /// After a status was seen.
    pub(super) fn seen(self, status: &str) -> Self {
        match (self, status) {
            (Self::Held, _) => Self::Held,
            (_, "PRINTED") => Self::Printed,
            (_, "PENDING") => Self::Asked,
            _ => Self::Never,
        }
    }

    /// After it was asked for and the answer had a status.
    pub(super) fn asked(self, status: &str, gate: Position) -> Self {
        if self == Self::Never && gate == Position::Closed {
            assert_eq!(status, "PENDING");
            return Self::Held;
        }
        self.seen(status)
    }

    /// After an accepted change.
    pub(super) fn changed(self) -> Self {
        match self {
            Self::Never | Self::Printed => Self::Never,
            Self::Held => Self::Held,
            Self::Asked | Self::Unsure => Self::Unsure,
        }
    }

    /// After the gate was opened.
    pub(super) fn released(self) -> Self {
        if self == Self::Held {
            Self::Asked
        } else {
            self
        }
    }
}
