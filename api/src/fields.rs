//! Reads JSON objects member by member and reports everything that is wrong with one at once.

use std::borrow::Cow;
use std::fmt;

use domain::json_text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::problem::{FieldError, INVALID, Problem};

/// What is said about one member.
pub(crate) type Mistake = Cow<'static, str>;

/// Mistakes that one answer lists: a body of 64 KiB can hold ten thousand.
const MISTAKES_MAX: usize = 100;

/// The members of an object that are not read yet, and the mistakes found so far.
#[derive(Debug)]
pub(crate) struct Fields {
    members: Vec<(String, Value)>,
    mistakes: Vec<FieldError>,
}

impl Fields {
    /// Reads a body that must be one JSON object. A member that comes twice is a mistake: which
    /// of the two was meant?
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let Members(members) = serde_json::from_slice(body).map_err(|error| {
            if let Err(problem) = check_text(body) {
                return problem;
            }
            if error.is_data() && !body.trim_ascii_start().starts_with(b"{") {
                return Problem::fields(vec![mistake(String::new(), "must be an object".into())]);
            }
            Problem::new(&INVALID, format!("the body is not valid JSON: {error}"))
        })?;
        let mut fields = Self {
            members: Vec::with_capacity(members.len()),
            mistakes: Vec::new(),
        };
        for (name, value) in members {
            if fields.members.iter().any(|(known, _)| *known == name) {
                fields.add(&name, "comes more than once".into());
            } else if fields.members.len() < MISTAKES_MAX {
                fields.members.push((name, value));
            }
        }
        Ok(fields)
    }

    /// A member that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, Mistake>,
    ) -> Option<T> {
        if !self.members.iter().any(|(known, _)| known == name) {
            self.add(name, "is missing".into());
            return None;
        }
        self.optional(name, read)
    }

    /// A member that may be there; `None` when it is not or is wrong.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, Mistake>,
    ) -> Option<T> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.members.swap_remove(at);
        read(&value).map_err(|mistake| self.add(name, mistake)).ok()
    }

    /// A member that must not be there, and why.
    pub(crate) fn refused(&mut self, name: &str, why: &'static str) {
        self.optional(name, |_| Err::<(), _>(why.into()));
    }

    /// A mistake that was found in another way.
    pub(crate) fn add(&mut self, name: &str, detail: Mistake) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(mistake(pointer(name), detail));
        }
    }

    /// What `build` makes of the members, if there was no mistake and no unknown member.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        for (name, _) in std::mem::take(&mut self.members) {
            self.add(&name, "is not a known key".into());
        }
        match build() {
            Some(built) if self.mistakes.is_empty() => Ok(built),
            _ => Err(Problem::fields(self.mistakes)),
        }
    }
}

/// Says so when a body is text that JSON is not sent as, such as UTF-16.
pub(crate) fn check_text(body: &[u8]) -> Result<(), Problem> {
    let coding = json_text::foreign(body);
    coding.map_or(Ok(()), |coding| {
        let detail = format!("the body is {coding}; JSON is sent as UTF-8");
        Err(Problem::new(&INVALID, detail))
    })
}

/// A text member.
pub(crate) fn text(value: &Value) -> Result<&str, Mistake> {
    value.as_str().ok_or_else(|| "must be a string".into())
}

fn mistake(pointer: String, detail: Mistake) -> FieldError {
    FieldError { pointer, detail }
}

/// RFC 6901: `~` and `/` are escaped.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The members of an object as they came.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    fn errors(body: &[u8]) -> Vec<(String, String)> {
        let read = Fields::parse(body).and_then(|mut fields| {
            let a = fields.required("a", |value| text(value).map(str::to_owned));
            fields.refused("id", "is not yours");
            fields.finish(|| a)
        });
        let problem = read.unwrap_err();
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        let body: Value = serde_json::from_slice(problem.to_reply().body()).unwrap();
        let listed = body["errors"].as_array().cloned().unwrap_or_default();
        let mut listed: Vec<_> = listed
            .iter()
            .map(|e| {
                (
                    e["pointer"].as_str().unwrap().into(),
                    e["detail"].as_str().unwrap().into(),
                )
            })
            .collect();
        listed.sort();
        listed
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let body = json!({"a": 1, "id": "x", "b/c~d": null}).to_string();
        assert_eq!(
            errors(body.as_bytes()),
            [
                ("/a".into(), "must be a string".into()),
                ("/b~1c~0d".into(), "is not a known key".into()),
                ("/id".into(), "is not yours".into()),
            ]
        );
    }

    #[test]
    fn a_member_that_comes_twice_is_a_mistake() {
        let twice = errors(br#"{"a": "x", "a": "x"}"#);
        assert_eq!(twice, [("/a".into(), "comes more than once".into())]);
    }

    #[test]
    fn what_is_no_object_has_the_root_as_its_place() {
        for body in ["[]", "null", "1", "\"a\"", " [\"a\"]"] {
            assert_eq!(
                errors(body.as_bytes()),
                [(String::new(), "must be an object".into())]
            );
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = format!("{{\"a\": {}", "[".repeat(10_000));
        for body in [
            &b""[..],
            b"{",
            b"{} x",
            b"{\"a\": \"\xff\"}",
            b"nope",
            deep.as_bytes(),
        ] {
            assert_eq!(errors(body), []);
        }
    }

    #[test]
    fn a_thousand_mistakes_are_cut_short() {
        let members: Vec<_> = (0..1_000).map(|n| format!("\"k{n}\": 0")).collect();
        let body = format!("{{{}}}", members.join(","));
        assert!(errors(body.as_bytes()).len() <= MISTAKES_MAX);
    }
}
