//! What only the shared engine has.

#![cfg(test)]

mod speed;
