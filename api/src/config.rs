//! What an operator may set about the HTTP edge.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::site::AllowedOrigin;

/// Limits and time-outs of the HTTP edge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The largest request body; more is answered 413.
    pub body_bytes_max: usize,
    /// The largest seating layout, 32 MiB at most; more is answered 413.
    pub layout_bytes_max: usize,
    /// Memory for layouts that arrive at a time, as many of the largest; more are answered 503.
    pub uploads_max: usize,
    /// How long a client may take for a request's head. Also ends connections that are idle.
    pub header_read_timeout_ms: u64,
    /// How long a client may take for a request's body; then it is answered 408.
    pub body_read_timeout_ms: u64,
    /// How long a client may refuse to read its answer before its connection is closed.
    pub write_stall_timeout_ms: u64,
    /// The bytes a second that a client must take while its answer waits for it, on an average of
    /// [`Config::write_stall_timeout_ms`]; else its connection is closed.
    pub answer_bytes_per_s_min: u64,
    /// Connections that are open at a time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// How long a process that a service manager stops goes on serving, while `/readyz` says so and
    /// each answer is the last on its connection: load balancers look elsewhere meanwhile.
    pub drain_notice_ms: u64,
    /// How long running requests may take after that.
    pub drain_timeout_ms: u64,
    /// Proxies whose `Forwarded` and `X-Forwarded-` headers are believed: `10.0.0.0/8`.
    pub trusted_proxies: Vec<Network>,
    /// Other sites whose pages may use the interface: `https://shop.example`.
    pub allowed_origins: Vec<AllowedOrigin>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            layout_bytes_max: domain::layout::LAYOUT_BYTES_MAX,
            uploads_max: 4,
            header_read_timeout_ms: 30_000,
            body_read_timeout_ms: 20_000,
            write_stall_timeout_ms: 30_000,
            answer_bytes_per_s_min: 4_096,
            connections_max: 20_000,
            drain_notice_ms: 3_000,
            drain_timeout_ms: 20_000,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

impl Config {
    /// How long a process that is stopped goes on serving.
    pub fn drain_notice(&self) -> Duration {
        Duration::from_millis(self.drain_notice_ms)
    }
}

/// An address or a range of addresses, such as `127.0.0.1` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text is no [`Network`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a range such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl Network {
    /// Whether an address lies in the range. An IPv4 address that arrived on an IPv6 socket
    /// counts as the IPv4 address that it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.leading_zeros() >= self.prefix
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        (prefix <= bits).then_some(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or(InvalidNetwork(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    #[test]
    fn a_range_holds_its_own_addresses_only() {
        let ten = network("10.0.0.0/8");
        assert!(ten.contains("10.255.0.1".parse().unwrap()));
        assert!(ten.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("1.2.3.4".parse().unwrap()));
        assert!(network("fd00::/8").contains("fd12::1".parse().unwrap()));
        assert!(!network("127.0.0.1").contains("127.0.0.2".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "host",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
        ] {
            assert_eq!(Network::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"body_bytes_max": 1}"#).is_ok());
        assert!(serde_json::from_str::<Config>(r#"{"body_bytes": 1}"#).is_err());
    }
}
