//! `doctor`: looks for what would keep a server from running, and says what to do about it.

use std::path::Path;

use anyhow::anyhow;
use domain::clock::{Clock, SystemClock};
use domain::ids::{IdSource, SystemIds};
use domain::ports::Store;
use domain::user::UserDirectory;
use domain::{WorkerId, health, jobs};
use serde_json::json;
use storage::postgres::{Options, PostgresStore};
use storage::{Access, FilesPlace, OpenError, Redis};
use tokio::net::TcpListener;

use crate::args::LedgerArgs;
use crate::config::{Config, EngineConfig, Mode};
use crate::{open_files, out, signing, users, wire};

/// Free space below which a server should not be started.
const FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;

struct Finding {
    what: &'static str,
    well: bool,
    detail: String,
}

/// Prints a line for everything that was looked at; `false` when something is wrong.
pub async fn doctor(args: &LedgerArgs) -> anyhow::Result<bool> {
    let config = Config::load(&args.common)?;
    let findings = examine(&config).await;
    let well = findings.iter().all(|finding| finding.well);
    if args.json {
        let list: Vec<_> = findings
            .iter()
            .map(|one| json!({ "what": one.what, "ok": one.well, "detail": one.detail }))
            .collect();
        out::json(&json!({ "ok": well, "findings": list }))?;
        return Ok(well);
    }
    for Finding { what, well, detail } in &findings {
        out::line(format!(
            "{} {what:12} {detail}",
            if *well { "ok   " } else { "WRONG" }
        ));
    }
    Ok(well)
}

async fn examine(config: &Config) -> Vec<Finding> {
    let engine = &config.engine;
    let mut findings = vec![Finding {
        what: "config",
        well: true,
        detail: "valid".into(),
    }];
    match engine.mode {
        Mode::Embedded => {
            let data_dir = &engine.data_dir;
            findings.push(ledger(data_dir).await);
            if data_dir.exists() {
                findings.push(key(config));
                findings.extend(disk(data_dir));
            }
        }
        Mode::Cluster => {
            findings.push(shared_ledger(&engine.postgres_url.0).await);
            findings.push(redis(engine).await);
            findings.push(key(config));
            findings.push(shared_files(engine).await);
            if !engine.files_dir.as_os_str().is_empty() {
                findings.extend(disk(&engine.files_dir));
            }
        }
    }
    findings.extend(queues(config).await);
    findings.push(directory(&config.server.users_file));
    findings.push(address(&config.server.listen).await);
    findings.push(open_files(config));
    findings
}

async fn ledger(data_dir: &Path) -> Finding {
    let finding = |well, detail| Finding {
        what: "ledger",
        well,
        detail,
    };
    if !data_dir.exists() {
        let detail = format!("{} does not exist; a server makes it", data_dir.display());
        return finding(true, detail);
    }
    match storage::check(data_dir).await {
        Ok(damage) if damage.is_empty() => match storage::schema(data_dir).await {
            Ok(schema) if schema.pending().is_empty() => match write(data_dir).await {
                Ok(()) => finding(true, "undamaged, can be written".into()),
                Err(error) => finding(false, format!("undamaged, cannot be written: {error:#}")),
            },
            Ok(schema) => finding(
                true,
                format!(
                    "undamaged; {} migrations to come at the next start",
                    schema.pending().len()
                ),
            ),
            Err(error) => finding(false, error.to_string()),
        },
        Ok(damage) => finding(
            false,
            format!("damaged: {}; restore it from a backup", damage.join("; ")),
        ),
        Err(storage::OpenError::Missing(_)) => {
            finding(true, "there is none yet; a server makes it".into())
        }
        Err(error) => finding(false, error.to_string()),
    }
}

/// Writes what a server writes to see whether it can, also beside one.
async fn write(data_dir: &Path) -> anyhow::Result<()> {
    let opened = storage::open_embedded(data_dir, Access::Inspect).await?;
    try_out(opened.store.as_ref()).await
}

/// The same to a shared ledger, as a server opens it.
async fn write_shared(url: &str) -> anyhow::Result<()> {
    let store = PostgresStore::open(url, Options::default()).await?;
    let tried = try_out(&store).await;
    store.close().await;
    tried
}

async fn try_out(store: &dyn Store) -> anyhow::Result<()> {
    let doctor = WorkerId(SystemIds.next());
    let tried = health::try_ledger(store, doctor, SystemClock.now()).await;
    tried.map_err(|error| anyhow!(error.chain()))
}

async fn shared_ledger(url: &str) -> Finding {
    let finding = |well, detail| Finding {
        what: "ledger",
        well,
        detail,
    };
    match PostgresStore::schema(url, Options::default()).await {
        Ok(schema) if !schema.unknown().is_empty() => finding(
            false,
            "a newer version of this program has migrated it; install that one".into(),
        ),
        Ok(schema) if schema.pending().is_empty() => match write_shared(url).await {
            Ok(()) => finding(true, "reachable, migrated, can be written".into()),
            Err(error) => finding(false, format!("{error:#}")),
        },
        Ok(schema) => finding(
            false,
            format!(
                "{} migrations are missing; run `ticketoverflow migrate`",
                schema.pending().len()
            ),
        ),
        Err(error) => finding(false, format!("{:#}", anyhow::Error::from(error))),
    }
}

async fn redis(engine: &EngineConfig) -> Finding {
    let finding = |well, detail| Finding {
        what: "redis",
        well,
        detail,
    };
    let url = match engine.redis_url.0.parse() {
        Ok(url) => url,
        Err(error) => {
            let error: storage::RedisUrlError = error;
            return finding(false, error.to_string());
        }
    };
    let redis = match Redis::start(url, &engine.redis_prefix, engine.redis_timeout()) {
        Ok(redis) => redis,
        Err(error) => {
            let error = anyhow::Error::from(OpenError::Thread(error));
            return finding(false, format!("{error:#}"));
        }
    };
    match redis.try_out().await {
        Ok(()) => finding(true, "reachable, runs scripts that write".into()),
        Err(error) => finding(false, format!("no seat can be taken there: {error}")),
    }
}

async fn shared_files(engine: &EngineConfig) -> Finding {
    let (well, detail) = match try_files(engine).await {
        Ok(place) => (true, format!("written, read and deleted in {place}")),
        Err(error) => (false, format!("{error:#}")),
    };
    Finding {
        what: "files",
        well,
        detail,
    }
}

/// Uses the store of files as workers and downloads do.
async fn try_files(engine: &EngineConfig) -> anyhow::Result<String> {
    let place = engine.files()?;
    let files = storage::open_files(&place)?;
    files
        .try_out(&format!("doctor/{}", SystemIds.next()))
        .await?;
    Ok(match place {
        FilesPlace::Folder(folder) => folder.display().to_string(),
        FilesPlace::S3(place) => place.to_string(),
    })
}

/// What operators hold back keeps no server from running, and is easily forgotten. Of a ledger that
/// cannot be opened its own finding says why.
async fn queues(config: &Config) -> Option<Finding> {
    let opened = wire::inspect(config).await.ok()?;
    let pauses = jobs::pauses(&opened.parts).await.ok()?;
    let detail = if pauses.is_empty() {
        "nothing is paused".to_owned()
    } else {
        format!("paused, until `jobs resume`: {pauses}")
    };
    Some(Finding {
        what: "queues",
        well: true,
        detail,
    })
}

fn key(config: &Config) -> Finding {
    match signing::of(config) {
        Ok(signer) => {
            let digits = signing::to_hex(&signer.public_key());
            Finding {
                what: "signing key",
                well: true,
                detail: format!("public key {digits} (id {})", signer.key_id()),
            }
        }
        Err(error) => Finding {
            what: "signing key",
            well: false,
            detail: format!("{error:#}"),
        },
    }
}

/// Asks `df`: the standard library does not know, and a crate for one number is not worth it.
fn disk(data_dir: &Path) -> Option<Finding> {
    let output = std::process::Command::new("df")
        .args(["-Pk"])
        .arg(data_dir)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let free = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse::<u64>()
        .ok()?
        * 1024;
    let detail = format!("{} MB free", out::grouped(free / 1_000_000));
    Some(Finding {
        what: "disk",
        well: free >= FREE_BYTES_MIN,
        detail,
    })
}

fn directory(file: &Path) -> Finding {
    let finding = |well, detail| Finding {
        what: "users",
        well,
        detail,
    };
    if file.as_os_str().is_empty() {
        let users = UserDirectory::generated().all().len() as u64;
        return finding(true, format!("{} built-in ones", out::grouped(users)));
    }
    match users::load(file) {
        Ok(users) => {
            let count = out::grouped(users.all().len() as u64);
            finding(true, format!("{count} of {}", file.display()))
        }
        Err(error) => finding(false, format!("{error:#}")),
    }
}

/// Too few keep no server from running: it takes fewer connections at a time.
fn open_files(config: &Config) -> Finding {
    let shortage = open_files::shortage(config.api.connections_max);
    Finding {
        what: "open files",
        well: true,
        detail: shortage.unwrap_or_else(|| "room for api.connections_max".into()),
    }
}

async fn address(listen: &str) -> Finding {
    match TcpListener::bind(listen).await {
        Ok(_) => Finding {
            what: "address",
            well: true,
            detail: format!("{listen} is free"),
        },
        Err(error) => Finding {
            what: "address",
            well: false,
            detail: format!("{listen}: {error}; if a server runs there, all is well"),
        },
    }
}
