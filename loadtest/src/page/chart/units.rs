//! Values in words.

/// How values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::page) enum Unit {
    /// A number of something.
    Count,
    /// A time in milliseconds, on a logarithmic axis.
    LogMs,
    /// A time in seconds.
    Seconds,
}

impl Unit {
    /// A value in words.
    pub(in crate::page) fn text(self, value: f64) -> String {
        match self {
            Self::Count if value >= 1e6 => format!("{}M", short(value / 1e6)),
            Self::Count if value >= 1e4 => format!("{}k", short(value / 1e3)),
            Self::Count => short(value),
            Self::Seconds if value >= 1.0 || value == 0.0 => format!("{} s", short(value)),
            Self::Seconds => format!("{} ms", short(value * 1e3)),
            Self::LogMs if value >= 1e3 => format!("{} s", short(value / 1e3)),
            Self::LogMs if value >= 1.0 || value == 0.0 => format!("{} ms", short(value)),
            Self::LogMs => format!("{} µs", short(value * 1e3)),
        }
    }
}

/// Seconds as people read a clock.
pub(in crate::page) fn clock(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", short(seconds));
    }
    let whole = seconds.round();
    if whole < 3_600.0 {
        format!("{}:{:02}", (whole / 60.0).floor(), whole % 60.0)
    } else {
        format!(
            "{}:{:02} h",
            (whole / 3_600.0).floor(),
            ((whole % 3_600.0) / 60.0).floor()
        )
    }
}

/// A number with no more digits than one reads.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 || value.fract().abs() < 1e-9 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
