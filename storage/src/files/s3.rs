//! Where objects are in a store that speaks S3, and how it is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

use crate::tls;

/// A put, get or delete, with everything that is tried again in it. A print's two files and a
/// plan fit into their jobs' time-outs with it.
pub(super) const OPERATION_TIME: Duration = Duration::from_secs(6);
/// One request with its answer.
const REQUEST_TIME: Duration = Duration::from_secs(4);
const CONNECT_TIME: Duration = Duration::from_secs(1);
/// Requests after the first one: some answers of a store that is well ask for another.
const RETRIES_MAX: usize = 2;
const RETRY_WAIT_MIN: Duration = Duration::from_millis(50);
const RETRY_WAIT_MAX: Duration = Duration::from_millis(500);
/// Connections are kept for the next request, but not until a firewall forgets them.
const IDLE_TIME: Duration = Duration::from_secs(30);
const IDLE_MAX: usize = 32;

/// Where objects are in an S3-compatible store, and who asks.
#[derive(Clone, Default)]
pub struct S3Place {
    /// `s3://bucket` or `s3://bucket/prefix`.
    pub url: String,
    /// `https://host:port`; empty for Amazon's endpoint of the region.
    pub endpoint: String,
    /// Part of every signature; self-hosted stores mostly say `us-east-1`.
    pub region: String,
    /// Who asks.
    pub access_key_id: String,
    /// Signs what is asked. Shown by neither `Debug` nor an error.
    pub secret_access_key: String,
    /// Whether the bucket stands in the path and not in the name of the host.
    pub path_style: bool,
    /// Whether an endpoint without TLS will do.
    pub allow_http: bool,
    /// PEM certificates of the authorities to trust; empty for the system's.
    pub root_certificates: PathBuf,
}

impl S3Place {
    /// Says what is missing or does not fit together, without looking at files or the network.
    pub fn check(&self) -> Result<(), String> {
        self.bucket_and_prefix()?;
        for (name, value) in [
            ("region", &self.region),
            ("access_key_id", &self.access_key_id),
            ("secret_access_key", &self.secret_access_key),
        ] {
            if value.is_empty() {
                return Err(format!("{name} is not set"));
            }
        }
        let host = match self.endpoint.split_once("://") {
            None if self.endpoint.is_empty() => return Ok(()),
            Some(("https", host)) => host,
            Some(("http", host)) if self.allow_http => host,
            Some(("http", _)) => {
                return Err(format!(
                    "endpoint {} is without TLS; use https://, or set allow_http",
                    self.endpoint
                ));
            }
            _ => {
                return Err(format!(
                    "endpoint {} does not begin with https://",
                    self.endpoint
                ));
            }
        };
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err(format!(
                "endpoint {} is more than https://host:port",
                self.endpoint_shown()
            ));
        }
        Ok(())
    }

    /// The bucket and what begins every key in it.
    pub(super) fn bucket_and_prefix(&self) -> Result<(&str, Path), String> {
        let rest = self.url.strip_prefix("s3://");
        let rest = rest.ok_or("it does not begin with s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let named = |char: char| char.is_ascii_alphanumeric() || ".-_".contains(char);
        if bucket.is_empty() || !bucket.chars().all(named) {
            return Err("it has no usable bucket: s3://bucket/prefix".into());
        }
        let prefix = Path::parse(prefix.trim_end_matches('/'))
            .map_err(|error| format!("its prefix cannot be used: {error}"))?;
        Ok((bucket, prefix))
    }

    /// Prepares connections; nothing is sent yet.
    pub(super) fn connect(&self) -> Result<AmazonS3, String> {
        self.check()?;
        tls::prepare();
        let (bucket, _) = self.bucket_and_prefix()?;
        let mut client = ClientOptions::new()
            .with_allow_http(self.allow_http)
            .with_connect_timeout(CONNECT_TIME)
            .with_timeout(REQUEST_TIME)
            .with_pool_idle_timeout(IDLE_TIME)
            .with_pool_max_idle_per_host(IDLE_MAX);
        if !self.root_certificates.as_os_str().is_empty() {
            let pem = tls::read_certificates(&self.root_certificates)?;
            let certificates = Certificate::from_pem_bundle(&pem);
            for one in certificates.map_err(|error| error.to_string())? {
                client = client.with_root_certificate(one);
            }
        }
        // Authorities that were named are the only ones. Without TLS there need be none at all,
        // as in a container without the system's.
        let named = !self.root_certificates.as_os_str().is_empty();
        let plain = self.endpoint.starts_with("http://");
        client = client.with_no_system_certificates(named || plain);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(&self.secret_access_key)
            .with_virtual_hosted_style_request(!self.path_style)
            .with_allow_http(self.allow_http)
            .with_client_options(client)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: RETRY_WAIT_MIN,
                    max_backoff: RETRY_WAIT_MAX,
                    base: 2.0,
                },
                max_retries: RETRIES_MAX,
                retry_timeout: OPERATION_TIME,
            });
        if !self.endpoint.is_empty() {
            builder = builder.with_endpoint(self.endpoint_of(bucket));
        }
        builder.build().map_err(|error| error.to_string())
    }

    /// Without a login, which does not belong there.
    fn endpoint_shown(&self) -> &str {
        self.endpoint.rsplit('@').next().unwrap_or_default()
    }

    /// The client does not put a bucket before a host that it was given.
    fn endpoint_of(&self, bucket: &str) -> String {
        match self.endpoint.split_once("://") {
            Some((scheme, host)) if !self.path_style => format!("{scheme}://{bucket}.{host}"),
            _ => self.endpoint.clone(),
        }
    }
}

/// As errors name it: without who asks.
impl fmt::Display for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.endpoint.is_empty() {
            write!(f, "{} in {}", self.url, self.region)
        } else {
            write!(f, "{} at {}", self.url, self.endpoint_shown())
        }
    }
}

impl fmt::Debug for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Place({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> S3Place {
        S3Place {
            url: "s3://tickets/prints/of/2031".into(),
            endpoint: "https://s3.example.org:9000".into(),
            region: "us-east-1".into(),
            access_key_id: "me".into(),
            secret_access_key: "hunter2".into(),
            path_style: true,
            ..S3Place::default()
        }
    }

    type Change = fn(&mut S3Place);

    #[test]
    fn what_does_not_fit_together_is_refused_and_no_secret_is_told() {
        assert_eq!(place().check(), Ok(()));
        let cases: [(Change, &str); 10] = [
            (|place| place.url = "tickets".into(), "s3://"),
            (|place| place.url = "s3:///prints".into(), "bucket"),
            (|place| place.url = "s3://a b".into(), "bucket"),
            (|place| place.url = "s3://a/b/../c".into(), "prefix"),
            (|place| place.access_key_id.clear(), "access_key_id"),
            (|place| place.secret_access_key.clear(), "secret_access_key"),
            (|place| place.endpoint = "s3.example.org".into(), "https://"),
            (|place| place.endpoint = "http://s3".into(), "allow_http"),
            (
                |place| place.endpoint = "https://s3/tickets".into(),
                "host:port",
            ),
            (
                |place| place.endpoint = "https://me:hunter2@s3".into(),
                "host:port",
            ),
        ];
        for (change, said) in cases {
            let mut place = place();
            change(&mut place);
            let error = place.check().unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!format!("{error} {place:?}").contains("hunter2"), "{error}");
        }
        let plain = S3Place {
            endpoint: "http://127.0.0.1:9000".into(),
            allow_http: true,
            ..place()
        };
        assert_eq!(plain.check(), Ok(()));
    }

    #[test]
    fn bucket_stands_in_the_host_or_in_the_path() {
        let mut place = place();
        assert_eq!(place.endpoint_of("tickets"), place.endpoint);
        place.path_style = false;
        let hosted = "https://tickets.s3.example.org:9000";
        assert_eq!(place.endpoint_of("tickets"), hosted);
        let (bucket, prefix) = place.bucket_and_prefix().unwrap();
        assert_eq!((bucket, prefix.as_ref()), ("tickets", "prints/of/2031"));
    }
}
