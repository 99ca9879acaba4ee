use clap::CommandFactory;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn every_command_shows_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let leaf = command.get_subcommands().next().is_none();
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let takes_options = path.matches(' ').count() > 1;
        assert!(
            !leaf || !takes_options || help.contains("Example"),
            "{path} has no example"
        );
        for inner in command.get_subcommands() {
            check(inner, &path);
        }
    }
    check(&Args::command(), "");
}
