//! A tab of a real browser that stays open: what happens on a page is asked and done through the
//! DevTools protocol, over a pipe.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Against hanging; nothing is measured by it.
const PATIENCE_MS: u32 = 60_000;
/// Against a browser that hangs: longer than what waits inside a page.
const CALL_MAX: Duration = Duration::from_millis(2 * PATIENCE_MS as u64);

pub(crate) struct Tab {
    browser: Child,
    to: ChildStdin,
    from: Receiver<Vec<u8>>,
    calls: u32,
    session: Option<String>,
    _profile: TempDir,
}

impl Tab {
    /// Opens a page in a browser of its own.
    pub(crate) fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        // The protocol is spoken on the descriptors 3 and 4.
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 >&2", "sh"])
            .args(super::ARGUMENTS)
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut browser = command
            .spawn()
            .expect("chromium runs; tests/run installs it");
        let to = browser.stdin.take().expect("it is piped");
        let from = messages(browser.stdout.take().expect("it is piped"));
        let mut tab = Self {
            browser,
            to,
            from,
            calls: 0,
            session: None,
            _profile: profile,
        };
        let target = tab.call("Target.createTarget", &json!({"url": "about:blank"}));
        let id = &target["targetId"];
        let attached = tab.call(
            "Target.attachToTarget",
            &json!({"targetId": id, "flatten": true}),
        );
        tab.session = attached["sessionId"].as_str().map(str::to_owned);
        // It answers when the new document is there.
        tab.call("Page.navigate", &json!({"url": url}));
        tab
    }

    /// What an expression of the page is worth.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        let error = &result["exceptionDetails"];
        assert!(error.is_null(), "{expression}: {error}");
        result["result"]["value"].clone()
    }

    /// Makes the window as narrow as a phone's.
    pub(crate) fn narrow(&mut self, width: u32) {
        let screen = json!({"width": width, "height": 2 * width, "deviceScaleFactor": 2,
                            "mobile": true});
        self.call("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Waits until an expression of the page is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let asked = format!(
            "new Promise((fine, late) => {{ const end = Date.now() + {PATIENCE_MS}; \
             const look = () => {{ let is = false; try {{ is = {expression} }} catch {{}} \
             if (is) fine(true); else if (Date.now() > end) late(document.body.innerText); \
             else setTimeout(look, 20); }}; look(); }})"
        );
        self.value(&asked);
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let mut message = call.to_string().into_bytes();
        message.push(0);
        self.to.write_all(&message).expect("the browser listens");
        let end = Instant::now() + CALL_MAX;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.from.recv_timeout(left);
            let answer = answer.unwrap_or_else(|error| panic!("{method}: no answer: {error}"));
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            if answer["id"] == json!(self.calls) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}

/// What the browser says, read by a thread of its own, which ends when the browser does: a pipe
/// has no time-out.
fn messages(pipe: ChildStdout) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for message in BufReader::new(pipe).split(0) {
            let Ok(message) = message else { break };
            if send.send(message).is_err() {
                break;
            }
        }
    });
    receive
}

impl Drop for Tab {
    fn drop(&mut self) {
        // The shell became the browser; its other processes end with it.
        drop(self.browser.kill());
        drop(self.browser.wait());
    }
}
