//! Seating plans that were drawn lately, so that the next drawing of a concert's plan draws only
//! what was sold in between.

use std::sync::{Mutex, PoisonError};

use renderers::{PlanDocument, RenderError, SeatingPlan};

/// Seats of all plans kept, some 30 bytes each. At the limit those go that were not drawn for
/// longest.
const SEATS_MAX: u32 = 1_000_000;

/// The plans, the one that was drawn last at the end.
#[derive(Debug, Default)]
pub(super) struct KeptPlans(Mutex<Vec<SeatingPlan>>);

impl KeptPlans {
    /// Draws a plan, beginning with what is kept of it. Two threads that draw the same plan at
    /// once do not wait for each other: one of them begins anew.
    pub(super) fn draw(&self, document: PlanDocument) -> Result<Vec<u8>, RenderError> {
        let plan = match self.take(&document) {
            Some(mut plan) => {
                plan.update(document.sold, document.held)?;
                plan
            }
            None => SeatingPlan::new(document)?,
        };
        let svg = plan.svg();
        self.keep(plan);
        Ok(svg)
    }

    /// The plan of the concert, if all but its seats is as it was.
    fn take(&self, document: &PlanDocument) -> Option<SeatingPlan> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept
            .iter()
            .position(|plan| plan.document().concert_id == document.concert_id)?;
        let plan = kept.remove(at);
        plan.is_of(document).then_some(plan)
    }

    fn keep(&self, plan: SeatingPlan) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.document().concert_id != plan.document().concert_id);
        kept.push(plan);
        let seats = |kept: &[SeatingPlan]| -> u32 {
            kept.iter().map(|plan| plan.document().capacity).sum()
        };
        while kept.len() > 1 && seats(&kept) > SEATS_MAX {
            kept.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(concert: &str, name: &str, capacity: u32, sold: u32) -> PlanDocument {
        PlanDocument {
            concert_id: concert.to_owned(),
            concert_name: name.to_owned(),
            capacity,
            sold: (0..sold).collect(),
            ..PlanDocument::default()
        }
    }

    #[test]
    fn kept_plans_draw_what_new_ones_draw() {
        let kept = KeptPlans::default();
        let cases = [
            ("a", "x", 100, 0),
            ("a", "x", 100, 7),
            ("b", "x", 50, 3),
            ("a", "x", 100, 9),
        ];
        for (concert, name, capacity, sold) in cases.into_iter().chain([("a", "renamed", 100, 9)]) {
            let document = document(concert, name, capacity, sold);
            let anew = renderers::plan_svg(&document).unwrap();
            assert_eq!(
                kept.draw(document).unwrap(),
                anew,
                "{concert} {name} {sold}"
            );
        }
        assert_eq!(kept.0.lock().unwrap().len(), 2);
    }

    #[test]
    fn kept_plans_are_bounded() {
        let kept = KeptPlans::default();
        for concert in ["a", "b", "c", "d"] {
            kept.draw(document(concert, "x", 400_000, 0)).unwrap();
        }
        let ids: Vec<_> = kept
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|p| p.document().concert_id.clone())
            .collect();
        assert_eq!(ids, ["c", "d"]);
    }
}
