//! What this process takes of its machine, as Linux tells.

use anyhow::Context as _;

/// Resident memory in bytes.
pub(super) fn memory() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("VmRSS in /proc/self/status")? * 1_024)
}

/// Open files and connections.
pub(super) fn open_files() -> anyhow::Result<usize> {
    let open = std::fs::read_dir("/proc/self/fd").context("/proc/self/fd")?;
    Ok(open.count())
}
