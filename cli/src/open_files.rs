//! The limit of open files, of which every connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What a process needs besides connections: the ledger, its readers, prints that are sent.
const OTHERS: u64 = 256;
/// More than anybody configures; where there is no limit at all, closing what a child inherited
/// would take a while.
const RAISED_MAX: u64 = 1 << 20;

/// Raises this process's own limit to what the administrator allows, as far as it helps. Shells
/// start programs with 1,024, for the sake of some that cannot deal with more; a crowd is larger.
pub(crate) fn raise() {
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(RAISED_MAX).min(RAISED_MAX);
    if limit.current.is_some_and(|current| current < allowed) {
        limit.current = Some(allowed);
        // A system that refuses leaves the limit that there was, and `shortage` tells of it.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// How many connections fit into the limit, at least 1; nothing if there is no limit.
pub(crate) fn connections() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile).current?;
    usize::try_from(limit.saturating_sub(OTHERS).max(1)).ok()
}

/// What is wrong with a limit that is too low for so many connections, and what to do about it;
/// nothing if it is high enough.
pub(crate) fn shortage(wanted: usize) -> Option<String> {
    let fit = connections().filter(|fit| *fit < wanted)?;
    Some(format!(
        "the limit of open files leaves room for {fit} connections at a time, not for {wanted}: \
         raise it (ulimit -n {}, or LimitNOFILE of the service)",
        wanted as u64 + OTHERS
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_too_low_is_told_with_the_way_out() {
        raise();
        let fit = connections().unwrap();
        assert_eq!(shortage(fit), None);
        let told = shortage(fit + 1).unwrap();
        assert!(told.contains(&format!("ulimit -n {}", fit + 257)), "{told}");
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        raise();
        let limit = getrlimit(Resource::Nofile);
        let allowed = limit.maximum.unwrap_or(RAISED_MAX).min(RAISED_MAX);
        assert!(limit.current.unwrap_or(RAISED_MAX) >= allowed);
    }
}
