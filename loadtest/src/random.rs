//! Random numbers that are the same in every run of one seed, whoever asks first.

use domain::ids::mix;

/// The number at a place of a seed's sequence.
pub(crate) fn number(seed: u64, at: u64) -> u64 {
    mix(mix(seed).wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Evenly between 0 and 1, without either.
pub(crate) fn unit(seed: u64, at: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let even = (number(seed, at) >> 11) as f64;
    (even + 0.5) / 9_007_199_254_740_992.0
}

/// The time between two arrivals of a Poisson process of rate 1.
pub(crate) fn exponential(seed: u64, at: u64) -> f64 {
    -unit(seed, at).ln()
}
