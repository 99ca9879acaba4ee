//! Signed ticket codes: what a gate scans, checked offline with a public key.
//!
//! A code is base45 (RFC 9285, the densest alphabet of a QR symbol) of a body and its Ed25519
//! signature (RFC 8032). It holds ids and numbers only, no personal data:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format: 1, or 2 for a concert that was cancelled when the code was made |
//! | 1 | key id |
//! | 16 | ticket id |
//! | 16 | concert id |
//! | 4 | seat number, big-endian |
//! | 4 | concert version, big-endian |
//! | 4 | day of the show, days since 1970-01-01, big-endian: the day on which the code admits |
//! | 64 | signature over `ticketoverflow/ticket/1` and the 46 bytes before |
//!
//! Keys are rotated by their ids: the server signs with one key, gates know the public keys of all
//! that are still good ([`Keyring`]). A gate also compares what the code says with the show that
//! it admits to ([`Code::judge`]); that a code was used before, only gates together can know. Codes
//! of cancelled concerts have a format of their own, so that gates that have never heard of it refuse
//! them as well.
//!
//! Scanners hand codes over in many ways: in small letters, with the symbology in front (`]Q1`, an
//! AIM identifier), with blanks and line ends. None of it can be part of a code.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{Days, NaiveDate};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use uuid::Uuid;

use crate::concert::{Concert, Status};
use crate::ids::{ConcertId, TicketId};
use crate::seat::SeatNo;
use crate::ticket::Ticket;

const FORMAT: u8 = 1;
const FORMAT_CANCELLED: u8 = 2;
const BODY_LEN: usize = 46;
const CODE_LEN: usize = BODY_LEN + Signature::BYTE_SIZE;
/// Base45 writes two bytes as three characters.
const CODE_CHARS: usize = 3 * CODE_LEN / 2;
const DOMAIN: &[u8] = b"ticketoverflow/ticket/1";

/// Signs codes with one key.
pub struct Signer {
    key: SigningKey,
    key_id: u8,
}

/// The public keys that codes may be signed with, by key id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: BTreeMap<u8, [u8; 32]>,
}

/// What a gate admits to. What is not said is not compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gate {
    /// The concert.
    pub concert_id: Option<ConcertId>,
    /// The concert's present version.
    pub version: Option<u32>,
    /// The day.
    pub date: Option<NaiveDate>,
}

/// What a gate does with a genuine code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// Its holder may enter.
    #[error("valid")]
    Valid,
    /// It is for another concert.
    #[error("wrong show: the ticket is for another concert")]
    WrongShow,
    /// The concert has changed since; the holder has a newer print, or can have one.
    #[error("outdated: printed for version {printed} of the concert, which is at {present}")]
    Outdated {
        /// The version that the ticket shows.
        printed: u32,
        /// The concert's version.
        present: u32,
    },
    /// The concert was cancelled when the ticket was printed.
    #[error("cancelled: the concert does not take place")]
    Cancelled,
    /// It is for another day.
    #[error("wrong day: the ticket is for {0}")]
    WrongDay(NaiveDate),
}

/// What a code says, once its signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Which key signed it.
    pub key_id: u8,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The concert that it admits to.
    pub concert_id: ConcertId,
    /// The seat.
    pub seat: SeatNo,
    /// The concert's version when the ticket was printed.
    pub version: u32,
    /// The day of the show as printed.
    pub date: NaiveDate,
    /// Whether the concert was cancelled when the ticket was printed.
    pub cancelled: bool,
}

/// Why a text is no code of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCode {
    /// It is not base45, or not as long as a code.
    #[error("this is not a ticket code")]
    NotACode,
    /// It is of a format that this version does not know.
    #[error("the code is of the unknown format {0}")]
    Format(u8),
    /// No key of this id is known.
    #[error("the code was signed with key {0}, which is not among the known ones")]
    UnknownKey(u8),
    /// The signature is not that of the key.
    #[error("the signature is not valid: the code is forged or was signed with another key")]
    Forged,
}

impl Signer {
    /// A signer with a 32-byte secret.
    pub fn new(key_id: u8, secret: &[u8; 32]) -> Self {
        Self {
            key: SigningKey::from_bytes(secret),
            key_id,
        }
    }

    /// The id of the key.
    pub fn key_id(&self) -> u8 {
        self.key_id
    }

    /// The public key, 32 bytes, with which gates check codes.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The code of a ticket for this version of its concert. The same input gives the same code.
    pub fn sign(&self, ticket: &Ticket, concert: &Concert) -> String {
        let mut bytes = Vec::with_capacity(CODE_LEN);
        let format = match concert.status {
            Status::Cancelled => FORMAT_CANCELLED,
            Status::Active | Status::SoldOut => FORMAT,
        };
        bytes.extend([format, self.key_id]);
        bytes.extend(ticket.id.0.as_bytes());
        bytes.extend(concert.id.0.as_bytes());
        bytes.extend(ticket.seat.0.to_be_bytes());
        bytes.extend(concert.version.to_be_bytes());
        let days = (concert.date - NaiveDate::default()).num_days();
        let days = i32::try_from(days).expect("a calendar day is within 262,000 years of 1970");
        bytes.extend(days.to_be_bytes());
        let signature = self.key.sign(&message(&bytes));
        bytes.extend(signature.to_bytes());
        base45::encode(&bytes)
    }
}

impl Keyring {
    /// Adds a public key. Another one of the same id is replaced.
    pub fn insert(&mut self, key_id: u8, public_key: [u8; 32]) {
        self.keys.insert(key_id, public_key);
    }

    /// The keys with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8; 32])> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }

    /// Checks a code with the key that it names, and reads it.
    pub fn verify(&self, code: &str) -> Result<Code, InvalidCode> {
        let bytes = decode(code)?;
        let key_id = *bytes.get(1).ok_or(InvalidCode::NotACode)?;
        let key = self.keys.get(&key_id);
        read(&bytes, key.ok_or(InvalidCode::UnknownKey(key_id))?)
    }
}

impl Code {
    /// Compares a genuine code with what a gate admits to.
    pub fn judge(&self, gate: &Gate) -> Verdict {
        if gate.concert_id.is_some_and(|id| id != self.concert_id) {
            return Verdict::WrongShow;
        }
        if let Some(present) = gate.version.filter(|version| *version != self.version) {
            let printed = self.version;
            return Verdict::Outdated { printed, present };
        }
        if self.cancelled {
            return Verdict::Cancelled;
        }
        match gate.date {
            Some(date) if date != self.date => Verdict::WrongDay(self.date),
            _ => Verdict::Valid,
        }
    }
}

/// Checks a code with a public key, whatever its id, and reads it.
pub fn verify(code: &str, public_key: &[u8; 32]) -> Result<Code, InvalidCode> {
    read(&decode(code)?, public_key)
}

fn decode(code: &str) -> Result<Vec<u8>, InvalidCode> {
    let bytes = base45::decode(plain(code)).map_err(|_| InvalidCode::NotACode)?;
    match bytes.first() {
        Some(&(FORMAT | FORMAT_CANCELLED)) => Ok(bytes),
        Some(&other) if bytes.len() > BODY_LEN => Err(InvalidCode::Format(other)),
        _ => Err(InvalidCode::NotACode),
    }
}

/// A code as it was printed, whatever a scanner made of it. A blank may begin a code, but none ends
/// one: its length says whether one was lost.
fn plain(scanned: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c == '\u{FEFF}';
    let plain: String = scanned.chars().filter(|c| !c.is_control()).collect();
    let plain = plain.trim_matches(blank);
    let plain = without_symbology(plain).trim_start_matches(blank);
    let lost = plain.len() + 1 == CODE_CHARS;
    format!(
        "{}{}",
        if lost { " " } else { "" },
        plain.to_ascii_uppercase()
    )
}

/// An AIM identifier is `]`, a letter for the sort of symbol and a modifier (ISO/IEC 15424).
fn without_symbology(text: &str) -> &str {
    match text.as_bytes() {
        [b']', sort, modifier, ..]
            if sort.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
        {
            &text[3..]
        }
        _ => text,
    }
}

fn read(bytes: &[u8], public_key: &[u8; 32]) -> Result<Code, InvalidCode> {
    let Some((body, signature)) = bytes.split_first_chunk::<BODY_LEN>() else {
        return Err(InvalidCode::NotACode);
    };
    let signature = Signature::from_slice(signature).map_err(|_| InvalidCode::NotACode)?;
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| InvalidCode::Forged)?;
    key.verify_strict(&message(body), &signature)
        .map_err(|_| InvalidCode::Forged)?;
    let part = |at: usize| u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
    let id =
        |at: usize| Uuid::from_slice(&body[at..at + 16]).expect("16 bytes of the body are an id");
    Ok(Code {
        key_id: body[1],
        ticket_id: TicketId(id(2)),
        concert_id: ConcertId(id(18)),
        seat: SeatNo(part(34)),
        version: part(38),
        date: day(part(42).cast_signed()).ok_or(InvalidCode::NotACode)?,
        cancelled: body[0] == FORMAT_CANCELLED,
    })
}

fn day(since_1970: i32) -> Option<NaiveDate> {
    let days = Days::new(u64::from(since_1970.unsigned_abs()));
    let epoch = NaiveDate::default();
    if since_1970 < 0 {
        epoch.checked_sub_days(days)
    } else {
        epoch.checked_add_days(days)
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
