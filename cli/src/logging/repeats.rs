//! Warnings that repeat themselves: the first one is written, the others are counted.
//!
//! A disk that is full fails every request alike, thousands of times a second. Lines of one place in
//! the code that differ by nothing but ids and numbers are the same line here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How often it is told how many there were.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked whether that time is over.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// Lines that are remembered at a time; what does not fit is written, however often it comes.
const LINES_MAX: usize = 1_000;
/// Bytes of a line that are compared, and told again with the count.
const LINE_BYTES_MAX: usize = 2_000;
/// Marks the lines that tell counts: they are written, whatever they say.
pub(super) const TARGET: &str = "repeats";

/// Lets the first of equal warnings and errors pass. Clones share what they saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeats(Arc<Mutex<HashMap<Key, Line>>>);

/// What makes lines the same: the place in the code, and the words without ids and numbers.
type Key = (&'static str, u32, String);

#[derive(Debug)]
struct Line {
    level: Level,
    /// What the last one said.
    message: String,
    /// When one was written or a count told.
    since: Instant,
    /// So many were not written since then.
    again: u64,
}

/// How often a line came that was not written.
struct Count {
    line: Line,
    seconds: u64,
}

impl Repeats {
    /// Starts the thread that tells the counts. It lives as long as the process.
    pub(super) fn start(&self) -> std::io::Result<()> {
        let repeats = self.clone();
        let ticking = move || {
            loop {
                thread::sleep(LOOKED_EVERY);
                repeats.tell(Instant::now(), TOLD_EVERY);
            }
        };
        thread::Builder::new()
            .name("log-repeats".into())
            .spawn(ticking)
            .map(drop)
    }

    /// Tells what was not written yet, however short a time it is.
    pub(super) fn tell_all(&self) {
        self.tell(Instant::now(), Duration::ZERO);
    }

    /// Tells the counts of lines of which nothing was written for `quiet`.
    fn tell(&self, now: Instant, quiet: Duration) {
        for Count { line, seconds } in self.due(now, quiet) {
            let Line {
                level,
                message,
                again,
                ..
            } = line;
            if level == Level::ERROR {
                tracing::error!(target: TARGET, again, seconds, "{again} more of: {message}");
            } else {
                tracing::warn!(target: TARGET, again, seconds, "{again} more of: {message}");
            }
        }
    }

    /// Takes the counts that are due. A line that did not come again is forgotten: the next one
    /// is written at once.
    fn due(&self, now: Instant, quiet: Duration) -> Vec<Count> {
        let mut due = Vec::new();
        self.lines().retain(|_, line| {
            let age = now.saturating_duration_since(line.since);
            if age < quiet {
                return true;
            }
            let again = std::mem::take(&mut line.again);
            line.since = now;
            if again > 0 {
                due.push(Count {
                    line: Line {
                        message: line.message.clone(),
                        again,
                        ..*line
                    },
                    seconds: age.as_secs(),
                });
            }
            again > 0
        });
        due
    }

    /// Whether a line is the first of its kind; counts it otherwise.
    fn is_first(&self, key: Key, level: Level, message: String, now: Instant) -> bool {
        let mut lines = self.lines();
        let full = lines.len() >= LINES_MAX;
        match lines.entry(key) {
            Entry::Occupied(mut known) => {
                let line = known.get_mut();
                line.again += 1;
                line.message = message;
                false
            }
            Entry::Vacant(place) => {
                if !full {
                    place.insert(Line {
                        level,
                        message,
                        since: now,
                        again: 0,
                    });
                }
                true
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Key, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not a `Filter` of one layer: those forget to take back what they said of an event that they
/// refuse, of which the next one suffers.
impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::WARN || metadata.target() == TARGET {
            return true;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let place = metadata.file().unwrap_or(metadata.target());
        let key = (place, metadata.line().unwrap_or(0), constant(&words.all));
        self.is_first(key, *metadata.level(), words.message, Instant::now())
    }
}

/// What an event says.
#[derive(Default)]
struct Words {
    message: String,
    /// The message and every field.
    all: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What is too long is cut: writing to a text fails for no other reason.
        let _ = write!(Cut(&mut self.all), "{}={value:?};", field.name());
        if field.name() == "message" {
            let _ = write!(Cut(&mut self.message), "{value:?}");
        }
    }
}

/// Writes to a text until that is long enough.
struct Cut<'a>(&'a mut String);

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LINE_BYTES_MAX.saturating_sub(self.0.len());
        let fitting = text.floor_char_boundary(room.min(text.len()));
        self.0.push_str(&text[..fitting]);
        if fitting == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// A text without those of its words that have a digit: ids, numbers, times.
fn constant(text: &str) -> String {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    let parts = text.split_inclusive(|letter| !is_word(letter));
    let constant = parts.filter(|part| !part.contains(|letter: char| letter.is_ascii_digit()));
    constant.collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::fmt;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// The lines that are written of what `happens` logs.
    fn written(happens: impl FnOnce(&Repeats)) -> Vec<String> {
        let (log, repeats) = (Log::default(), Repeats::default());
        let plain = fmt::layer().with_ansi(false).with_writer(log.clone());
        let subscriber = tracing_subscriber::registry()
            .with(repeats.clone())
            .with(plain);
        tracing::subscriber::with_default(subscriber, || happens(&repeats));
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn fail(request: u32) {
        tracing::warn!(status = 503, "request {request} failed: the disk is full");
    }

    #[test]
    fn equal_warnings_are_written_once_and_then_counted() {
        let lines = written(|repeats| {
            (0..1_000).for_each(fail);
            let later = Instant::now() + TOLD_EVERY;
            repeats.tell(Instant::now(), TOLD_EVERY);
            repeats.tell(later, TOLD_EVERY);
            (0..5).for_each(fail);
            repeats.tell(later + TOLD_EVERY, TOLD_EVERY);
        });
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[0].contains("request 0 failed"), "{lines:#?}");
        assert!(lines[1].contains("WARN") && lines[1].contains("999 more of: request 999"));
        assert!(lines[2].contains("5 more of"), "{lines:#?}");
    }

    #[test]
    fn what_came_to_an_end_is_written_when_it_comes_again() {
        let lines = written(|repeats| {
            fail(1);
            repeats.tell(Instant::now() + TOLD_EVERY, TOLD_EVERY);
            fail(2);
            fail(3);
            repeats.tell_all();
            repeats.tell_all();
        });
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[1].contains("request 2 failed"), "{lines:#?}");
        assert!(lines[2].contains("1 more of"), "{lines:#?}");
    }

    #[test]
    fn what_differs_in_more_than_numbers_is_written() {
        let lines = written(|_| {
            for cause in ["full", "broken", "full"] {
                tracing::warn!(cause, "a request failed");
                tracing::error!(cause, "a request failed");
                tracing::info!(cause, "a request failed");
            }
        });
        assert_eq!(lines.len(), 2 + 2 + 3, "{lines:#?}");
    }

    #[test]
    fn no_flood_of_different_lines_is_remembered() {
        let letters = |number: usize| -> String {
            let digits = number.to_string();
            digits
                .chars()
                .map(|digit| char::from(digit as u8 + b'A' - b'0'))
                .collect()
        };
        let lines = written(|repeats| {
            for number in 0..LINES_MAX + 10 {
                tracing::warn!(name = letters(number), "a flood");
            }
            assert!(repeats.lines().len() <= LINES_MAX);
            // A long text is compared by its beginning.
            tracing::warn!("{}", "ä".repeat(LINE_BYTES_MAX));
            assert!(
                repeats
                    .lines()
                    .keys()
                    .all(|key| key.2.len() <= LINE_BYTES_MAX)
            );
        });
        assert_eq!(lines.len(), LINES_MAX + 11);
    }
}
