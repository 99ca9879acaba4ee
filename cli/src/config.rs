//! The configuration: defaults, overlaid by a file, by the environment, by flags. A key that
//! nobody knows is an error wherever it stands.

mod engine;
mod layers;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use renderers::OnMissing;
use serde::Deserialize;

use self::layers::Layers;
use crate::args::{ConfigArgs, RunArgs};
use crate::{env, logging};

pub use self::engine::{EngineConfig, Mode, S3Config};

/// The defaults with their comments: the reference of every setting.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the ledger is.
    pub engine: EngineConfig,
    /// The key of the codes on tickets.
    pub signing: SigningConfig,
    /// How tickets look.
    pub tickets: TicketsConfig,
    /// What is served.
    pub server: ServerConfig,
    /// Limits and time-outs of the HTTP edge.
    pub api: api::Config,
    /// Who is let in.
    pub admission: domain::AdmissionLimits,
    /// What may wait.
    pub limits: LimitsConfig,
    /// Pools and the drawing of pictures.
    pub workers: workers::Config,
    /// What happens by the clock.
    pub scheduler: scheduler::Config,
    /// Logs.
    pub log: logging::Config,
}

/// A text that is not shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Serves the HTTP interface.
    Api,
    /// Runs jobs.
    Worker,
    /// Does what happens by the clock; of several one leads.
    Scheduler,
}

/// Section `[signing]`: the key that signs the codes on tickets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningConfig {
    /// The key as 64 hexadecimal digits; from the environment, say.
    pub key: Secret,
    /// A file of 32 bytes, made if it is not there. Empty: `signing.key` in the data folder.
    pub key_file: PathBuf,
    /// The key's number, which codes carry: another one for another key.
    pub key_id: u8,
}

/// Section `[tickets]`: how they look.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketsConfig {
    /// Font files for letters that the built-in ones lack.
    pub fonts: Vec<PathBuf>,
    /// A JSON file with the venue's colour, logo and terms; empty for ours.
    pub brand_file: PathBuf,
    /// Venues that have a brand of their own.
    pub venues: Vec<VenueConfig>,
    /// What becomes of characters that no typeface has.
    pub on_missing: OnMissing,
}

/// A venue with a brand of its own: one `[[tickets.venues]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueConfig {
    /// Its name, as concerts give it.
    pub name: String,
    /// A file as [`TicketsConfig::brand_file`].
    pub brand_file: PathBuf,
}

/// Section `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: String,
    /// A JSON file of users; empty for the built-in ones.
    pub users_file: PathBuf,
    /// The names by which clients may call the service; any when there are none.
    pub hosts: Vec<api::HostName>,
    /// The path that the service is under, outside.
    pub base_path: api::BasePath,
    /// What this process does.
    pub roles: Vec<Role>,
}

/// Section `[limits]`: what may wait, and what is kept.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Purchases that wait to be written.
    pub sales_waiting_max: usize,
    /// Refusals that wait to be kept for their idempotency keys.
    pub refusals_waiting_max: usize,
    /// Print requests that wait to be written.
    pub prints_waiting_max: usize,
    /// Job outcomes that wait to be written.
    pub settlements_waiting_max: usize,
    /// Tickets that wait to be looked up, and as many idempotency keys.
    pub lookups_waiting_max: usize,
    /// Bytes of seating plans in memory.
    pub plan_bytes_max: u64,
}

impl LimitsConfig {
    /// The name of a queue that nothing could wait in.
    fn without_room(&self) -> Option<&'static str> {
        let queues = [
            ("sales_waiting_max", self.sales_waiting_max),
            ("refusals_waiting_max", self.refusals_waiting_max),
            ("prints_waiting_max", self.prints_waiting_max),
            ("settlements_waiting_max", self.settlements_waiting_max),
            ("lookups_waiting_max", self.lookups_waiting_max),
        ];
        let (name, _) = queues.into_iter().find(|(_, max)| *max == 0)?;
        Some(name)
    }
}

impl Config {
    /// The configuration of a command.
    pub fn load(args: &ConfigArgs) -> anyhow::Result<Self> {
        extract(&layers(args)?)
    }

    /// The configuration of a server.
    pub fn load_run(args: &RunArgs) -> anyhow::Result<Self> {
        let mut layers = layers(&args.common)?;
        if let Some(listen) = &args.listen {
            layers = layers.setting("server.listen", listen, "--listen")?;
        }
        if let Some(users) = &args.users {
            layers = layers.setting("server.users_file", users, "--users")?;
        }
        if !args.roles.is_empty() {
            let roles: Vec<_> = args.roles.iter().map(|role| role.name()).collect();
            layers = layers.setting("server.roles", roles, "--roles")?;
        }
        if args.log_json {
            layers = layers.setting("log.format", "json", "--log-json")?;
        }
        extract(&layers)
    }

    /// The defaults on a folder and any free port, whatever the environment says.
    ///
    /// # Panics
    ///
    /// If the built-in defaults are wrong, which a test would have shown.
    pub fn for_data_dir(data_dir: &Path) -> Self {
        defaults()
            .and_then(|layers| layers.setting("engine.data_dir", data_dir, "the data folder"))
            .and_then(|layers| layers.setting("server.listen", "127.0.0.1:0", "any free port"))
            .and_then(|layers| extract(&layers))
            .expect("the built-in defaults are a configuration")
    }

    /// Whether this process has a role.
    pub fn has(&self, role: Role) -> bool {
        self.server.roles.contains(&role)
    }

    /// What only shows when several settings are looked at together.
    fn check(&self) -> anyhow::Result<()> {
        self.workers.check().map_err(anyhow::Error::msg)?;
        if let Some(shut) = self.admission.shut() {
            bail!("admission.{shut}");
        }
        if let Some(name) = self.limits.without_room() {
            bail!("limits.{name} must be at least 1");
        }
        if self.server.roles.is_empty() {
            bail!("server.roles: at least one of api, worker and scheduler is needed");
        }
        let engine = &self.engine;
        if engine.mode == Mode::Embedded {
            if [Role::Api, Role::Worker, Role::Scheduler]
                .iter()
                .any(|role| !self.has(*role))
            {
                bail!(
                    "server.roles: the embedded engine is one process with every role; \
                     for several processes give --postgres-url and --redis-url"
                );
            }
            return Ok(());
        }
        engine.check_cluster()?;
        if self.signing.key.0.is_empty() && self.signing.key_file.as_os_str().is_empty() {
            bail!(
                "neither signing.key nor signing.key_file is set; all processes of a cluster \
                 sign tickets with the same key: `openssl rand -hex 32` makes one"
            );
        }
        Ok(())
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What is in force, as TOML.
pub fn effective(args: &ConfigArgs) -> anyhow::Result<String> {
    let mut table = layers(args)?.table().clone();
    for path in SECRETS {
        let (key, sections) = path.split_last().expect("a setting has a name");
        let section = sections.iter().try_fold(&mut table, |table, section| {
            table.get_mut(*section)?.as_table_mut()
        });
        if let Some(toml::Value::String(text)) = section.and_then(|section| section.get_mut(*key))
            && !text.is_empty()
        {
            "(hidden)".clone_into(text);
        }
    }
    Ok(toml::to_string_pretty(&table)?)
}

/// Settings that are not shown.
const SECRETS: [&[&str]; 4] = [
    &["engine", "postgres_url"],
    &["engine", "redis_url"],
    &["engine", "s3", "secret_access_key"],
    &["signing", "key"],
];

fn defaults() -> anyhow::Result<Layers> {
    Layers::default().text("the built-in defaults", DEFAULTS)
}

fn layers(args: &ConfigArgs) -> anyhow::Result<Layers> {
    let mut layers = defaults()?;
    if let Some(path) = &args.config {
        if !path.is_file() {
            bail!("--config {}: there is no such file", path.display());
        }
        layers = layers.file(path)?;
    }
    layers = layers.variables(env::variables(), env::PREFIX, env::SEPARATOR)?;
    if let Some(data_dir) = &args.data_dir {
        layers = layers.setting("engine.data_dir", data_dir, "--data-dir")?;
    }
    for (setting, flag, url) in [
        ("engine.postgres_url", "--postgres-url", &args.postgres_url),
        ("engine.redis_url", "--redis-url", &args.redis_url),
    ] {
        if let Some(url) = url {
            layers = layers
                .setting(setting, url, flag)?
                .setting("engine.mode", "cluster", flag)?;
        }
    }
    Ok(layers)
}

fn extract(layers: &Layers) -> anyhow::Result<Config> {
    let config: Config = layers.extract().context("the configuration is not valid")?;
    config.check().context("the configuration is not valid")?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> anyhow::Result<Config> {
        extract(&defaults()?.text("the file", text)?)
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = load_text("").unwrap();
        assert_eq!(config.engine.data_dir, Path::new("./data"));
        assert_eq!(config.engine.mode, Mode::Embedded);
    }

    #[test]
    fn every_setting_of_every_section_stands_in_the_defaults() {
        // A crate's own defaults and the documented ones are the same.
        let config = load_text("").unwrap();
        assert_eq!(config.api, api::Config::default());
        assert_eq!(config.admission, domain::AdmissionLimits::default());
        assert_eq!(config.workers, workers::Config::default());
        assert_eq!(config.scheduler, scheduler::Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_in_every_section() {
        for section in [
            "engine",
            "engine.s3",
            "server",
            "api",
            "admission",
            "limits",
            "workers",
            "scheduler",
            "log",
        ] {
            let error = load_text(&format!("[{section}]\nunheard_of = 1")).unwrap_err();
            assert!(
                format!("{error:#}").contains("unheard_of"),
                "[{section}]: {error:#}"
            );
        }
        assert!(load_text("unheard_of = 1").is_err());
    }

    #[test]
    fn a_queue_that_nothing_can_wait_in_is_refused_by_name() {
        for name in ["sales", "prints", "settlements", "lookups"] {
            let refused = load_text(&format!("[limits]\n{name}_waiting_max = 0")).unwrap_err();
            let expected = format!("limits.{name}_waiting_max must be at least 1");
            assert!(
                format!("{refused:#}").contains(&expected),
                "{name}: {refused:#}"
            );
        }
    }

    #[test]
    fn a_file_that_is_missing_is_an_error_and_not_the_defaults() {
        let args = ConfigArgs {
            config: Some("/nowhere.toml".into()),
            ..ConfigArgs::default()
        };
        assert!(Config::load(&args).is_err());
    }

    #[test]
    fn a_cluster_needs_its_servers_and_a_key() {
        let cluster = |text: &str| load_text(&format!("[engine]\nmode = \"cluster\"\n{text}"));
        let servers = "postgres_url = \"postgres://h/d\"\nredis_url = \"redis://h\"\n";
        let urls = &format!("{servers}files_dir = \"f\"\n");
        for (text, missing) in [
            ("", "engine.postgres_url"),
            ("postgres_url = \"postgres://h/d\"\n", "engine.redis_url"),
            (servers, "engine.files_dir"),
            (urls, "signing.key"),
            (
                &format!("{urls}redis_timeout_ms = 0\n"),
                "engine.redis_timeout_ms",
            ),
        ] {
            let error = format!("{:#}", cluster(text).unwrap_err());
            assert!(error.contains(missing), "{error}");
        }
        let whole = format!("{urls}[signing]\nkey_file = \"k\"\n[server]\nroles = [\"worker\"]");
        assert!(cluster(&whole).unwrap().has(Role::Worker));
        assert!(load_text("[server]\nroles = [\"worker\"]").is_err());
    }

    #[test]
    fn files_of_a_cluster_are_in_one_place() {
        let cluster = |text: &str| {
            let servers = "postgres_url = \"postgres://h/d\"\nredis_url = \"redis://h\"\n";
            let signing = "[signing]\nkey_file = \"k\"\n";
            load_text(&format!(
                "{signing}[engine]\nmode = \"cluster\"\n{servers}{text}"
            ))
        };
        let keys = "[engine.s3]\naccess_key_id = \"me\"\nsecret_access_key = \"hunter2\"\n";
        let s3 = format!("files_url = \"s3://tickets/a\"\n{keys}");
        for (text, said) in [
            (format!("files_dir = \"f\"\n{s3}"), "both"),
            ("files_url = \"s3://tickets\"\n".to_owned(), "access_key_id"),
            (format!("files_url = \"tickets\"\n{keys}"), "s3://"),
            (format!("{s3}endpoint = \"http://s3\"\n"), "allow_http"),
        ] {
            let error = format!("{:#}", cluster(&text).unwrap_err());
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let config = cluster(&format!(
            "{s3}endpoint = \"http://s3\"\nallow_http = true\n"
        ));
        let config = config.unwrap();
        let files = config.engine.files().unwrap();
        assert_eq!(
            format!("{files:?}"),
            "S3(S3Place(s3://tickets/a at http://s3))"
        );
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, "[engine.s3]\nsecret_access_key = \"hunter2\"\n").unwrap();
        let args = ConfigArgs {
            config: Some(file),
            postgres_url: Some("postgres://u:hunter2@h/d".into()),
            redis_url: Some("redis://:hunter2@h".into()),
            ..ConfigArgs::default()
        };
        let shown = effective(&args).unwrap();
        assert_eq!(shown.matches("(hidden)").count(), 3, "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let secret = Secret("hunter2".into());
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
