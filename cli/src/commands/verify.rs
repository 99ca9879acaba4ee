//! `verify`: checks a ticket's code offline.

use anyhow::{Context as _, bail};
use domain::code;
use serde_json::json;

use crate::args::VerifyArgs;
use crate::out;

/// Prints what a code says; fails when it is not genuine.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let key = parse_key(&args.public_key)?;
    let code = code::verify(&args.code, &key).context("the code is not valid")?;
    if args.json {
        return out::json(&json!({
            "valid": true,
            "key_id": code.key_id,
            "ticket_id": code.ticket_id.to_string(),
            "concert_id": code.concert_id.to_string(),
            "seat_no": code.seat.0,
            "concert_version": code.version,
            "date": code.date.to_string(),
        }));
    }
    out::line(format!(
        "valid: ticket {} for concert {} on {}, seat number {}, concert version {}",
        code.ticket_id, code.concert_id, code.date, code.seat.0, code.version
    ));
    Ok(())
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
