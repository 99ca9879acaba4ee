//! What a concert, a ticket and a job are, and what may happen to them.

pub mod seat;
