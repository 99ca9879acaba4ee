//! Numbers and times as people write them, within limits.

/// A time such as 90, 90s, 5m or 1h, in seconds.
pub(super) fn time(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60.0),
        Some(number) if text.ends_with('h') => (number, 3_600.0),
        Some(number) => (number, 1.0),
        None => (text, 1.0),
    };
    let time = number.parse::<f64>().map(|number| number * unit);
    match time {
        Ok(time) if (least..=most).contains(&time) => Ok(time),
        Ok(_) => Err(format!("it is {} to {}", in_words(least), in_words(most))),
        Err(_) => Err("it is a time such as 90s, 5m or 1h".into()),
    }
}

fn in_words(seconds: f64) -> String {
    if seconds < 3_600.0 {
        format!("{seconds}s")
    } else {
        format!("{}h", seconds / 3_600.0)
    }
}

/// A number between two.
pub(super) fn between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        Ok(_) => Err(format!("it is {least} to {most}")),
        Err(_) => Err("it is a number".into()),
    }
}
