//! Lua scripts: what must happen to a key's neighbours in one step.

use redis::Cmd;

/// A script, sent by its digest.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(crate) fn new(text: &'static str) -> Self {
        let digest = redis::Script::new(text).get_hash().to_owned();
        Self { text, digest }
    }

    pub(super) fn by_digest(&self, keys: &[&str], args: &[u64]) -> Cmd {
        call("EVALSHA", &self.digest, keys, args)
    }

    pub(super) fn by_text(&self, keys: &[&str], args: &[u64]) -> Cmd {
        call("EVAL", self.text, keys, args)
    }
}

fn call(command: &str, script: &str, keys: &[&str], args: &[u64]) -> Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(keys.len()).arg(keys).arg(args);
    call
}
