//! `config`: checks or shows the configuration.

use crate::args::ConfigCommand;
use crate::config::{self, Config};
use crate::out;

/// Runs one of the `config` commands.
pub fn config(command: &ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Show => out::line(config::DEFAULTS.trim_end()),
        ConfigCommand::Check(args) => {
            Config::load(args)?;
            out::line(config::effective(args)?.trim_end());
        }
    }
    Ok(())
}
