//! Lets requests in, or answers 503 before any work is done for them; `domain` decides.

use domain::admission::{Class, Pass, Shed};

use crate::app::App;
use crate::problem::{BUSY, Problem};

impl App {
    /// Lets a request in for as long as its handler keeps the pass. A handler asks when it has
    /// read the request and before it looks anything up: slow clients take nobody's place.
    pub(crate) fn admit(&self, class: Class) -> Result<Pass, Problem> {
        Ok(self.ctx().admit(class)?)
    }
}

impl From<Shed> for Problem {
    fn from(shed: Shed) -> Self {
        Self::new(&BUSY, shed.to_string()).retry_after(shed.retry_after_s)
    }
}
