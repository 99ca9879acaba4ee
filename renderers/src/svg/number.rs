//! Numbers as short as they can be.

/// Adds a number with at most two decimals, without a trailing zero and without an exponent.
#[expect(
    clippy::cast_possible_truncation,
    reason = "page coordinates, far below 2^31 hundredths"
)]
pub(crate) fn push_number(out: &mut String, value: f32) {
    let hundredths = (value * 100.0).round() as i32;
    if hundredths < 0 {
        out.push('-');
    }
    let hundredths = hundredths.unsigned_abs();
    push_integer(out, hundredths / 100);
    let fraction = hundredths % 100;
    if fraction > 0 {
        out.push('.');
        push_digit(out, fraction / 10);
        if !fraction.is_multiple_of(10) {
            push_digit(out, fraction % 10);
        }
    }
}

/// Adds a whole number, with its sign if it is negative.
pub(crate) fn push_signed(out: &mut String, value: i32) {
    if value < 0 {
        out.push('-');
    }
    push_integer(out, value.unsigned_abs());
}

fn push_integer(out: &mut String, value: u32) {
    let mut digits = [0; 10];
    let mut count = 0;
    let mut rest = value;
    loop {
        digits[count] = rest % 10;
        count += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    for digit in digits[..count].iter().rev() {
        push_digit(out, *digit);
    }
}

fn push_digit(out: &mut String, digit: u32) {
    out.push(char::from_digit(digit, 10).expect("a remainder of ten is a digit"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_rounded() {
        let written = |value| {
            let mut out = String::new();
            push_number(&mut out, value);
            out
        };
        let values = [
            0.0, -0.001, 1.0, -1.5, 0.05, 12.345, 841.89, 100.0, -0.25, 1600.004,
        ];
        let expected = [
            "0", "0", "1", "-1.5", "0.05", "12.35", "841.89", "100", "-0.25", "1600",
        ];
        for (value, expected) in values.into_iter().zip(expected) {
            assert_eq!(written(value), expected, "{value}");
        }
    }
}
