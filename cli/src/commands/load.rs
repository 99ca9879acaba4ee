//! `load`: runs a scenario against a server, shows how it goes, and says what was kept.

mod live;
mod plan;
mod summary;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use loadtest::scenario::{BUILT_IN, FILE_BYTES_MAX, Fit, Scenario, Step};
use loadtest::{FORMAT, LoadError, LoadReport, Mode, Options, Target, Trust};
use tokio::sync::watch;

use self::live::Live;
use crate::args::{LoadArgs, LoadCommand, LoadRunArgs, MergeArgs, RateArg, ResultArgs, ShowArgs};
use crate::shutdown::{Signal, Signals};
use crate::{open_files, out};

/// The largest result that is read, in bytes.
const RESULT_BYTES_MAX: u64 = 1 << 30;

/// Runs, and gives the exit status: 0 if every promise was kept, 1 if not, and for a run that a
/// signal ended that of the signal.
pub async fn load(args: &LoadArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Some(LoadCommand::Merge(args)) => merge(args),
        Some(LoadCommand::Show(args)) => show(args).map(|()| ExitCode::SUCCESS),
        None => run(&args.run).await,
    }
}

async fn run(args: &LoadRunArgs) -> anyhow::Result<ExitCode> {
    check_writable(&args.result)?;
    let (stop, signal) = stop_at_signal()?;
    let options = Options {
        stop,
        ..options(args).await?
    };
    if let Some(shortage) = open_files::shortage(options.connections) {
        live::plain(&format!("note: {shortage}"));
    }
    let mut live = Live::start(&plan::words(&options));
    let report = loadtest::load(options, |moment| live.tell(moment)).await;
    live.end();
    let ended_by = || {
        signal
            .get()
            .and_then(|signal: &Signal| u8::try_from(signal.status()).ok())
            .map(ExitCode::from)
    };
    let report = match report {
        Err(error @ LoadError::Stopped) => {
            live::plain(&error.to_string());
            return Ok(ended_by().unwrap_or(ExitCode::FAILURE));
        }
        report => report?,
    };
    let status = finish(&report, &args.result)?;
    Ok(ended_by().unwrap_or(status))
}

/// Becomes true at the first signal, which is kept. The second one ends the process.
fn stop_at_signal() -> anyhow::Result<(watch::Receiver<bool>, Arc<OnceLock<Signal>>)> {
    let mut signals = Signals::listen()?;
    let (stop, stopped) = watch::channel(false);
    let kept = Arc::new(OnceLock::new());
    let signal = Arc::clone(&kept);
    tokio::spawn(async move {
        let first = signals.next().await;
        signals.end_at_next();
        // It is the first.
        let _ = kept.set(first);
        live::plain(&format!("{first}: stopping; another one ends it at once"));
        stop.send_replace(true);
    });
    Ok((stopped, signal))
}

async fn options(args: &LoadRunArgs) -> anyhow::Result<Options> {
    // The parser has seen to it that both are there.
    let (name, url) = (args.scenario.as_deref(), args.target.as_deref());
    let scenario = find(name.unwrap_or_default())?;
    let (trust, owned) = (args.tls.trust(), args.i_own_this_target);
    let target = Target::find(url.unwrap_or_default(), owned, &trust).await?;
    let mut metrics = Vec::new();
    for url in &args.metrics {
        metrics.push(Target::find(url, true, &trust).await?);
    }
    let is_encrypted = target.is_encrypted() || metrics.iter().any(Target::is_encrypted);
    if trust != Trust::System && !is_encrypted {
        bail!("--ca and --insecure do nothing without an https:// target");
    }
    let pauses = scenario.has(Step::Think);
    let mode = match (args.rate, args.closed) {
        (Some(RateArg::Max), _) => Mode::Max,
        (_, true) => Mode::Closed,
        (_, false) => Mode::Open,
    };
    if mode == Mode::Max && args.think.is_some() && !pauses {
        bail!("--think does nothing with --rate max: nobody pauses");
    }
    let fit = Fit {
        scale: args.scale,
        seconds: args.duration.filter(|_| mode == Mode::Open),
        rate: match args.rate {
            Some(RateArg::PerSecond(rate)) => Some(rate),
            Some(RateArg::Max) | None => None,
        },
        mode,
        think_s: args.think,
    };
    Ok(Options {
        scenario: fit.apply(scenario)?,
        target,
        metrics,
        mode,
        connections: args.connections as usize,
        threads: args.threads as usize,
        seed: args.seed,
        concerts: args.concert.clone(),
        retries_max: args.retries,
        seconds_max: args.duration.filter(|_| mode != Mode::Open),
        limit: Duration::from_secs_f64(args.duration_max),
        data_dir: args.data_dir.clone(),
        prints_max: args.prints_max,
        stop: watch::channel(false).1,
    })
}

/// A built-in scenario, or a file's.
fn find(name: &str) -> anyhow::Result<Scenario> {
    if let Some(scenario) = Scenario::built_in(name) {
        return Ok(scenario);
    }
    let path = Path::new(name);
    if path.extension().is_none() && !path.exists() {
        bail!("{name:?} is no scenario; there are {}, and files", names());
    }
    let text = read(path, FILE_BYTES_MAX)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Scenario::parse(&stem, &text).with_context(|| format!("{}", path.display()))
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let Some(name) = &args.scenario else {
        for (name, _) in BUILT_IN {
            let about = Scenario::built_in(name).map(|scenario| scenario.about);
            out::line(format!("{name:9} {}", about.unwrap_or_default()));
        }
        return Ok(());
    };
    let known = BUILT_IN.iter().find(|(known, _)| known == name);
    let Some((_, text)) = known else {
        bail!("{name:?} is not built in; there are {}", names());
    };
    out::line(text.trim_end());
    Ok(())
}

fn names() -> String {
    let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

fn merge(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    check_writable(&args.result)?;
    let reports: anyhow::Result<Vec<_>> = args.files.iter().map(|path| read_result(path)).collect();
    let sum = LoadReport::merge(reports?)?;
    finish(&sum, &args.result)
}

fn read_result(path: &Path) -> anyhow::Result<LoadReport> {
    let text = read(path, RESULT_BYTES_MAX)?;
    let whose = || format!("{} is no result of `load --json`", path.display());
    let report: LoadReport = serde_json::from_str(&text).with_context(whose)?;
    if report.format != FORMAT {
        bail!(
            "{} has form {}, this version reads {FORMAT}; merge with the version that wrote it",
            path.display(),
            report.format
        );
    }
    Ok(report)
}

fn read(path: &Path, bytes_max: u64) -> anyhow::Result<String> {
    let unreadable = || format!("{} cannot be read", path.display());
    let size = fs::metadata(path).with_context(unreadable)?.len();
    if size > bytes_max {
        bail!("{} has {size} bytes; {bytes_max} at most", path.display());
    }
    fs::read_to_string(path).with_context(unreadable)
}

/// A run may take hours: that its result has no place is said before it begins.
fn check_writable(files: &ResultArgs) -> anyhow::Result<()> {
    let json = files.json.iter().filter(|path| !is_output(path));
    for path in json.chain(&files.html) {
        let known = fs::metadata(path);
        // A pipe would take the check for the result.
        if known.as_ref().is_ok_and(|it| !it.is_file() && !it.is_dir()) {
            continue;
        }
        let opened = File::options().append(true).create(true).open(path);
        opened.with_context(|| unwritable(path))?;
        if known.is_err() {
            fs::remove_file(path).with_context(|| unwritable(path))?;
        }
    }
    Ok(())
}

/// Prints the result, and writes the files that were asked for. One that cannot be written does
/// not keep the others from being.
fn finish(report: &LoadReport, files: &ResultArgs) -> anyhow::Result<ExitCode> {
    let json = serde_json::to_string(report)?;
    let write = |path: &Path, text: &str| fs::write(path, text).with_context(|| unwritable(path));
    let as_json = match &files.json {
        Some(path) if is_output(path) => {
            out::line(json);
            Ok(())
        }
        path => {
            summary::print(report);
            path.as_ref().map_or(Ok(()), |path| write(path, &json))
        }
    };
    if let Some(path) = &files.html {
        write(path, &loadtest::page(report))?;
    }
    as_json?;
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether a file's name stands for standard output.
fn is_output(path: &Path) -> bool {
    path == Path::new("-")
}

fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
