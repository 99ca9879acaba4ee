//! Batches as one JSON parameter: `json_each(?1)` yields an item a row, whatever their number, so
//! each statement is prepared once. Ids travel in hex, since JSON has no bytes.

use std::fmt::Write;

use uuid::Uuid;

/// A JSON array of arrays, or of plain ids, under construction.
#[derive(Debug)]
pub(super) struct Batch(String);

/// One inner array.
#[derive(Debug)]
pub(super) struct Item<'a> {
    json: &'a mut String,
    first: bool,
}

impl Batch {
    /// An empty array with room for so many items of so many bytes.
    pub(super) fn of(items: usize, item_bytes: usize) -> Self {
        let mut json = String::with_capacity(items * item_bytes + 2);
        json.push('[');
        Self(json)
    }

    /// An array of ids.
    pub(super) fn of_ids(ids: impl ExactSizeIterator<Item = Uuid>) -> String {
        let mut batch = Self::of(ids.len(), 35);
        for id in ids {
            batch.comma();
            push_hex(&mut batch.0, &id);
        }
        batch.finish()
    }

    /// Adds an inner array.
    pub(super) fn item(&mut self, fill: impl FnOnce(&mut Item<'_>)) {
        self.comma();
        self.0.push('[');
        fill(&mut Item {
            json: &mut self.0,
            first: true,
        });
        self.0.push(']');
    }

    /// The finished parameter.
    pub(super) fn finish(mut self) -> String {
        self.0.push(']');
        self.0
    }

    fn comma(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }
}

impl Item<'_> {
    /// An id, in hex.
    pub(super) fn id(&mut self, id: &Uuid) -> &mut Self {
        self.comma();
        push_hex(self.json, id);
        self
    }

    /// An id in hex, or null.
    pub(super) fn id_or_null(&mut self, id: Option<Uuid>) -> &mut Self {
        match id {
            Some(id) => self.id(&id),
            None => self.null(),
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, number: impl Into<i64>) -> &mut Self {
        let number: i64 = number.into();
        self.comma();
        write!(self.json, "{number}").expect("writing to a string cannot fail");
        self
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.comma();
        let quoted = serde_json::to_string(text).expect("a text is valid JSON once quoted");
        self.json.push_str(&quoted);
        self
    }

    /// A text, or null.
    pub(super) fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// Bytes, in hex.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.comma();
        self.json.push('"');
        for byte in bytes {
            self.json.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.json.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.json.push('"');
        self
    }

    fn null(&mut self) -> &mut Self {
        self.comma();
        self.json.push_str("null");
        self
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.json.push(',');
        }
    }
}

fn push_hex(json: &mut String, id: &Uuid) {
    let mut hex = [0; 32];
    json.push('"');
    json.push_str(id.as_simple().encode_lower(&mut hex));
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_every_sort_are_valid_json() {
        let id = Uuid::from_u128(0xabc);
        let mut batch = Batch::of(2, 10);
        batch.item(|item| {
            item.id(&id).number(-5).text("a\"\n").text_or_null(None);
        });
        batch.item(|item| {
            item.bytes(&[0, 0xff]).text_or_null(Some("ü"));
        });
        let value: serde_json::Value = serde_json::from_str(&batch.finish()).unwrap();
        assert_eq!(
            value,
            serde_json::json!([
                ["00000000000000000000000000000abc", -5, "a\"\n", null],
                ["00ff", "ü"]
            ])
        );
        assert_eq!(Batch::of_ids([].into_iter()), "[]");
    }
}
