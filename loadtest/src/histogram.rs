//! Latencies, and the form in which they leave the process: HdrHistogram's V2 with compression, in
//! base64, as the lines of its interval logs have it. Every HdrHistogram reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{
    Deserialize, Deserializer as SerdeDeserializer, Serialize, Serializer as SerdeSerializer,
};

/// The longest that is told apart, in microseconds: ten minutes.
const MICROS_MAX: u64 = 600_000_000;

/// Times in microseconds, to three digits. Costs nothing while it is empty.
#[derive(Debug, Clone, Default)]
pub struct Latency(Option<Box<Histogram<u64>>>);

impl Latency {
    /// Notes a time.
    pub fn record(&mut self, time: std::time::Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let histogram = self.0.get_or_insert_with(|| Box::new(empty()));
        // It grows with its values, and this one is within its reach.
        let _ = histogram.record(micros.clamp(1, MICROS_MAX));
    }

    /// Adds another one's times.
    pub fn add(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            let own = self.0.get_or_insert_with(|| Box::new(empty()));
            // It grows as it needs to.
            let _ = own.add(other.as_ref());
        }
    }

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// A quantile, 0 to 1, in milliseconds; 0 when there is nothing.
    pub fn ms(&self, quantile: f64) -> f64 {
        let micros = self
            .0
            .as_ref()
            .map_or(0, |one| one.value_at_quantile(quantile));
        ms(micros)
    }

    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        self.0
            .as_ref()
            .map_or(0.0, |histogram| histogram.mean() / 1_000.0)
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        ms(self.0.as_ref().map_or(0, |histogram| histogram.max()))
    }

    /// How many times lie between two bounds in microseconds, both included.
    pub fn between(&self, low_us: u64, high_us: u64) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |one| one.count_between(low_us, high_us))
    }
}

impl PartialEq for Latency {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => one == two,
            _ => self.count() == other.count(),
        }
    }
}

impl Serialize for Latency {
    fn serialize<S: SerdeSerializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(histogram) = &self.0 else {
            return serializer.serialize_str("");
        };
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram.as_ref(), &mut bytes)
            .map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: SerdeDeserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let bytes = STANDARD
            .decode(text.as_bytes())
            .map_err(serde::de::Error::custom)?;
        let mut histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(serde::de::Error::custom)?;
        histogram.auto(true);
        Ok(Self(Some(Box::new(histogram))))
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are few enough")
}

fn ms(micros: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "ten minutes are far below 2^53 µs"
    )]
    let micros = micros as f64;
    micros / 1_000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_leaves_the_process_comes_back_and_adds_up() {
        let (mut one, mut two, mut both) = <(Latency, Latency, Latency)>::default();
        for micros in 1..2_000u64 {
            let time = Duration::from_micros(micros * micros);
            if micros % 3 == 0 { &mut one } else { &mut two }.record(time);
            both.record(time);
        }
        let text = serde_json::to_string(&one).unwrap();
        assert!(text.starts_with("\"HISTFAAA"), "{text}");
        let mut read: Latency = serde_json::from_str(&text).unwrap();
        assert_eq!(read, one);
        read.add(&two);
        assert_eq!(read, both);
        assert_eq!(read.count(), 1_999);
        let nothing: Latency = serde_json::from_str("\"\"").unwrap();
        assert_eq!((nothing.count(), nothing.max_ms()), (0, 0.0));
        assert!(serde_json::from_str::<Latency>("\"nonsense\"").is_err());
    }
}
