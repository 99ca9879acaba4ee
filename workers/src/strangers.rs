//! Kinds of jobs that this program does not know: the log names each once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Kinds that the log names. Whoever writes more of them does so by mistake.
const NAMED_MAX: usize = 64;

/// The kinds that were met in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strangers(Arc<Mutex<BTreeSet<String>>>);

impl Strangers {
    /// A job of this kind was claimed. Returns whether the log was told.
    pub(crate) fn met(&self, kind: &str) -> bool {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= NAMED_MAX || !met.insert(kind.to_owned()) {
            return false;
        }
        tracing::warn!(
            job.kind = kind,
            "this program knows no job of this kind: such jobs are left to another version of it"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_once_and_no_more_than_a_number_of_them() {
        let strangers = Strangers::default();
        assert!(strangers.met("a") && !strangers.met("a") && !strangers.clone().met("a"));
        let told = (0..999).filter(|number| strangers.met(&number.to_string()));
        assert_eq!(told.count(), NAMED_MAX - 1);
    }
}
