//! Prints: what is PRINTED can be fetched and shows the concert as it is.

use super::{Audit, Concert, Flaw, Words};
use crate::target::LoadError;

/// How often a print is read again whose concert changed meanwhile.
const TRIES_MAX: u32 = 5;

impl Audit<'_> {
    /// Reads the print of each of some tickets that were PRINTED.
    pub(super) async fn check_prints(
        &mut self,
        concert: &Concert,
        tickets: &[String],
    ) -> Result<(), LoadError> {
        let path = format!("/api/v1/concerts/{}", concert.id);
        let mut known = self.client.get(&path).await?;
        for id in tickets {
            self.prints += 1;
            for tries in 0.. {
                let current: Concert = known.json()?;
                let Some(flaw) = self.look(id, &current).await? else {
                    break;
                };
                // If the concert did not change while its print was read, there is no excuse.
                let now = self.client.get(&path).await?;
                let changed = now.etag != known.etag || now.body != known.body;
                known = now;
                if !changed || tries >= TRIES_MAX {
                    let (flaw, what) = flaw;
                    self.note(flaw, || format!("ticket {id} {what}"));
                    break;
                }
            }
        }
        Ok(())
    }

    /// What is wrong with a print.
    async fn look(
        &mut self,
        id: &str,
        concert: &Concert,
    ) -> Result<Option<(Flaw, String)>, LoadError> {
        let path = format!("/api/v1/tickets/{id}/print");
        let print = self.client.get(&path).await?;
        if print.status == 404 {
            // It may have become void since it was listed.
            let ticket = self.client.get(&format!("/api/v1/tickets/{id}")).await?;
            let text = String::from_utf8_lossy(&ticket.body);
            let printed = text.contains("\"PRINTED\"");
            return Ok(printed.then(|| (Flaw::NoPrint, "is PRINTED and its print is 404".into())));
        }
        if print.status != 200 {
            return Ok(Some((
                Flaw::NoPrint,
                format!("has a print of status {}", print.status),
            )));
        }
        let Some(words) = Words::of(&print.body) else {
            return Ok(Some((Flaw::NoPrint, "has a print that is no SVG".into())));
        };
        if words.desc != id {
            return Ok(Some((
                Flaw::Stale,
                format!("has the print of {}", words.desc),
            )));
        }
        for (what, text) in [("name", &concert.name), ("venue", &concert.venue)] {
            if !words.show(text) {
                let wrong = format!("has a print without the {what} {text:?}");
                return Ok(Some((Flaw::Stale, wrong)));
            }
        }
        if !words.may_show_day(&concert.date) {
            let wrong = format!("has a print without the day {}", concert.date);
            return Ok(Some((Flaw::Stale, wrong)));
        }
        Ok(None)
    }
}
