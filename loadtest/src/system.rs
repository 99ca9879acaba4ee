//! What Linux tells of processes: the generator's own, and the server's if it is on this machine.
//! Elsewhere these figures are missing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The most files and folders of a data folder that are looked at, which takes seconds.
const FILES_MAX: usize = 200_000;

/// Processor time of the calling thread; zero where nobody tells.
pub(crate) fn thread_cpu() -> Duration {
    schedstat("/proc/thread-self/schedstat")
}

/// Processor time of all threads of this process that still run.
pub(crate) fn process_cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    threads
        .map(|thread| schedstat(thread.path().join("schedstat")))
        .sum()
}

fn schedstat(path: impl AsRef<Path>) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let ran = text.split(' ').next().and_then(|field| field.parse().ok());
    Duration::from_nanos(ran.unwrap_or(0))
}

/// The process that listens on a local address, if this user may know.
pub(crate) fn listener(address: SocketAddr) -> Option<u32> {
    if !address.ip().is_loopback() {
        return None;
    }
    let port = format!(":{:04X}", address.port());
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|table| {
            let text = fs::read_to_string(table).ok()?;
            text.lines().skip(1).find_map(|line| {
                // Fields: number, local, remote, state (0A listens) … the tenth is the inode.
                let fields: Vec<_> = line.split_whitespace().collect();
                let listens = fields.get(1)?.ends_with(&port) && *fields.get(3)? == "0A";
                listens.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
            })
        })?;
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| {
            let files = fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten();
            files.flatten().any(|file| {
                fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str())
            })
        })
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// Bytes of the ledger's files, which stand first, and of everything else in a data folder, if that
/// is no more than can be looked at.
pub(crate) fn folder_bytes(folder: &Path) -> Option<(u64, Option<u64>)> {
    measure(folder, FILES_MAX)
}

fn measure(folder: &Path, files_max: usize) -> Option<(u64, Option<u64>)> {
    let (mut ledger, mut others, mut seen) = (0, 0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            seen += 1;
            if seen > files_max {
                return Some((ledger, None));
            }
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            let of_ledger = entry.file_name().to_string_lossy().starts_with("ledger.db");
            if meta.is_dir() {
                folders.push(entry.path());
            } else if of_ledger {
                ledger += meta.len();
            } else {
                others += meta.len();
            }
        }
    }
    Some((ledger, Some(others)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_of_a_port_is_found() {
        let listener_here = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = listener(listener_here.local_addr().unwrap());
        assert_eq!(found, Some(std::process::id()));
        assert!(resident(std::process::id()).is_some_and(|bytes| bytes > 100_000));
        assert!(process_cpu() >= thread_cpu());
    }

    #[test]
    fn a_data_folder_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        for (name, bytes) in [("ledger.db", 10), ("ledger.db-wal", 5), ("files/x", 7)] {
            std::fs::write(folder.path().join(name), vec![0; bytes]).unwrap();
        }
        assert_eq!(folder_bytes(folder.path()), Some((15, Some(7))));
        // Two files of the ledger, a folder, and a file in it.
        assert_eq!(measure(folder.path(), 4), Some((15, Some(7))));
        assert_eq!(measure(folder.path(), 3), Some((15, None)));
    }
}
