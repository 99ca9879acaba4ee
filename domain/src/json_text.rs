//! JSON as editors and exports write it: after a byte order mark, or in a coding that is not UTF-8.

/// The byte order mark of UTF-8, which some editors put before a text.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text without a byte order mark.
pub fn plain(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// The name of the coding when a text is in another one than UTF-8, as far as its first characters
/// tell: JSON begins with two of ASCII.
pub fn foreign(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..]
        | [0, 0, 0xfe, 0xff, ..]
        | [1..=0xff, 0, 0, 0, ..]
        | [0, 0, 0, 1..=0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=0xff, 0, ..] | [0, 1..=0xff, ..] => {
            Some("UTF-16")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_no_part_of_the_text() {
        assert_eq!(plain(b"\xef\xbb\xbf{}"), b"{}");
        assert_eq!(plain(b"{}"), b"{}");
        assert_eq!(plain(b""), b"");
    }

    #[test]
    fn other_codings_are_told_by_their_first_characters() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let big =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        for text in ["{}", "\u{feff}{}", "[1]"] {
            assert_eq!(foreign(&wide(text)), Some("UTF-16"), "{text:?}");
            assert_eq!(foreign(&big(text)), Some("UTF-16"), "{text:?}");
        }
        let widest: Vec<u8> = "{}"
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect();
        assert_eq!(foreign(&widest), Some("UTF-32"));
        for text in [
            &b"{}"[..],
            b"",
            b"{",
            b"\xef\xbb\xbf{}",
            b"\0\0",
            "é".as_bytes(),
        ] {
            assert_eq!(foreign(text), None, "{text:?}");
        }
    }
}
