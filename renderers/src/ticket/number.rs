//! The ticket's number as people read it to each other.

use std::fmt::Write;

/// Crockford's base 32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight letters and digits in two groups, made of the last 40 bits of an id (the random ones of a
/// UUID); none if the text is no id. They tell tickets of a queue apart and are no secret: what
/// admits is the code.
pub(super) fn short(id: &str) -> Option<String> {
    let digits: Vec<u64> = id
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).map(u64::from))
        .collect::<Option<_>>()?;
    if digits.len() != 32 {
        return None;
    }
    let bits = digits[22..].iter().fold(0, |bits, digit| bits << 4 | digit);
    let mut number = String::with_capacity(9);
    for group in (0..8).rev() {
        let index = usize::try_from(bits >> (5 * group) & 31).expect("five bits");
        if group == 3 {
            number.push('-');
        }
        write!(number, "{}", char::from(ALPHABET[index])).expect("a string takes all");
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_made_of_the_last_forty_bits() {
        let id = "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d";
        assert_eq!(short(id).as_deref(), Some("5WX4-PQ3D"));
        assert_eq!(
            short("0197a3c4-5e6f-7a8b-9c0d-1e0000000000").as_deref(),
            Some("0000-0000")
        );
        for other in ["", "x", "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6"] {
            assert_eq!(short(other), None);
        }
    }
}
