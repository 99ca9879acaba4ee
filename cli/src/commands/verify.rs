//! `verify`: checks a ticket's code offline.

use std::path::Path;

use anyhow::{Context as _, bail};
use domain::ConcertId;
use domain::code::{self, Code, Gate, InvalidCode, Keyring, Verdict};
use domain::concert::parse_date;
use serde_json::json;

use crate::args::VerifyArgs;
use crate::out;

/// The most bytes of a picture.
const PICTURE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How the files end that a code is looked for in.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "pdf", "svg"];

/// Prints what a code says; fails when it is not genuine or does not admit here.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let keys = Keys::parse(&args.public_key)?;
    let gate = gate(args)?;
    let code = match keys.verify(&args.code) {
        Err(_) if is_file(Path::new(&args.code)) => {
            keys.verify(&scan(Path::new(&args.code), &keys)?)
        }
        read => read,
    };
    let code = code.context("the code is not valid")?;
    let verdict = code.judge(&gate);
    if args.json {
        out::json(&json!({
            "valid": verdict == Verdict::Valid,
            "verdict": name(verdict),
            "key_id": code.key_id,
            "ticket_id": code.ticket_id.to_string(),
            "concert_id": code.concert_id.to_string(),
            "seat_no": code.seat.0,
            "concert_version": code.version,
            "date": code.date.to_string(),
            "cancelled": code.cancelled,
        }))?;
    }
    if verdict != Verdict::Valid {
        bail!("{verdict} (ticket {})", code.ticket_id);
    }
    if !args.json {
        out::line(format!(
            "valid: ticket {} for concert {} on {}, seat number {}, concert version {}",
            code.ticket_id, code.concert_id, code.date, code.seat.0, code.version
        ));
    }
    Ok(())
}

/// One key for codes of any id, or several with theirs.
enum Keys {
    One([u8; 32]),
    Ring(Keyring),
}

impl Keys {
    fn parse(texts: &[String]) -> anyhow::Result<Self> {
        if let [one] = texts
            && !one.contains(':')
        {
            return Ok(Self::One(parse_key(one)?));
        }
        let mut ring = Keyring::default();
        for text in texts {
            let parts = text
                .split_once(':')
                .and_then(|(id, key)| Some((id.parse().ok()?, key)));
            let Some((id, key)) = parts else {
                bail!(
                    "--public-key {text}: with several keys each has its id in front, as in 2:3b6a27…"
                );
            };
            ring.insert(id, parse_key(key)?);
        }
        Ok(Self::Ring(ring))
    }

    fn verify(&self, code: &str) -> Result<Code, InvalidCode> {
        match self {
            Self::One(key) => code::verify(code, key),
            Self::Ring(ring) => ring.verify(code),
        }
    }
}

fn gate(args: &VerifyArgs) -> anyhow::Result<Gate> {
    let concert = args.concert.as_deref().map(|id| {
        ConcertId::parse(id).with_context(|| format!("--concert: {id} is no concert's id"))
    });
    let date = args.on.as_deref().map(|day| {
        parse_date(day).with_context(|| format!("--on: {day} is no day; one is 2031-05-17"))
    });
    Ok(Gate {
        concert_id: concert.transpose()?,
        version: args.concert_version,
        date: date.transpose()?,
    })
}

/// The code in a picture: if there are several, the first one of ours.
fn scan(path: &Path, keys: &Keys) -> anyhow::Result<String> {
    let cannot = || format!("{} cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(cannot)?.len();
    if size > PICTURE_BYTES_MAX {
        bail!(
            "{} has {size} bytes; {PICTURE_BYTES_MAX} are the most",
            path.display()
        );
    }
    // One that is made as ours are will do: a forged one is to be told from none.
    let is_made_so = |code: &str| {
        let read = keys.verify(code);
        !matches!(read, Err(InvalidCode::NotACode | InvalidCode::Format(_)))
    };
    let codes = renderers::find_codes(&std::fs::read(path).with_context(cannot)?, is_made_so);
    let codes = codes.with_context(cannot)?;
    let ours = codes.iter().find(|code| keys.verify(code).is_ok());
    let like_ours = || codes.iter().find(|code| is_made_so(code));
    let Some(code) = ours.or_else(like_ours).or(codes.first()) else {
        bail!("there is no QR code in {}", path.display());
    };
    Ok(code.clone())
}

/// Whether a file is meant: it is there, or is named as those are that have codes in them.
fn is_file(path: &Path) -> bool {
    let ending = path.extension();
    let is_known = ending.is_some_and(|found| {
        let mut known = ENDINGS.iter();
        known.any(|known| found.eq_ignore_ascii_case(known))
    });
    is_known || path.is_file()
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::WrongShow => "wrong_show",
        Verdict::Outdated { .. } => "outdated",
        Verdict::Cancelled => "cancelled",
        Verdict::WrongDay(_) => "wrong_day",
    }
}

fn parse_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        bail!(
            "--public-key: 64 hexadecimal digits are needed, {} characters were given",
            text.len()
        );
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).expect("hexadecimal digits are ASCII");
        *byte = u8::from_str_radix(pair, 16).expect("two hexadecimal digits are a byte");
    }
    Ok(key)
}
