//! Progress of long work: a bar on a terminal, plain lines elsewhere; on standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One step of long work.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: String,
}

impl Progress {
    /// Begins a step of `total` units; 0 when nobody knows how many.
    pub(crate) fn start(what: &str, total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            plain(&format!("{what} …"));
            return Self {
                bar: None,
                what: what.to_owned(),
            };
        }
        let bar = if total == 0 {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::new(total)
        };
        let template = if total == 0 {
            "{spinner} {msg} [{elapsed}]"
        } else {
            "{msg:32} {bar:40.cyan/blue} {human_pos}/{human_len} [{elapsed}]"
        };
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            bar: Some(bar),
            what: what.to_owned(),
        }
    }

    /// Tells how far it is.
    pub(crate) fn set(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Ends the step with its result.
    pub(crate) fn done(self, result: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        plain(&format!("{}: {result}", self.what));
    }
}

fn plain(text: &str) {
    // Nobody to tell it to is no reason to stop working.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
