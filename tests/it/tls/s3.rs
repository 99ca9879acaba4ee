//! S3-compatible stores: whom to trust is a setting.

use bytes::Bytes;
use domain::ports::Files;
use storage::files::{ObjectFiles, S3Place};
use tests::{Authority, S3Server};

use super::{ELSEWHERE, HERE, assert_says};

async fn put(place: &S3Place) -> Result<(), String> {
    let files = ObjectFiles::in_s3(place).map_err(|error| error.to_string())?;
    let put = files.put("a", Bytes::from_static(b"a")).await;
    put.map_err(|error| error.to_string())
}

#[tokio::test]
async fn only_the_right_certificate_is_accepted() {
    let authority = Authority::new();
    let server = S3Server::start_encrypted(&authority.issue(HERE));
    let place = S3Place {
        root_certificates: authority.file(),
        ..server.place()
    };
    put(&place).await.unwrap();

    let other = Authority::new();
    for root_certificates in [other.file(), "".into()] {
        let place = S3Place {
            root_certificates,
            ..place.clone()
        };
        assert_says(&put(&place).await.unwrap_err(), "UnknownIssuer");
    }

    let elsewhere = S3Server::start_encrypted(&authority.issue(ELSEWHERE));
    let place = S3Place {
        root_certificates: authority.file(),
        ..elsewhere.place()
    };
    assert_says(
        &put(&place).await.unwrap_err(),
        "certificate not valid for name",
    );
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_asked_for() {
    let server = S3Server::start();
    let mut place = server.place();
    place.endpoint = place.endpoint.replace("http://", "https://");
    assert!(put(&place).await.is_err());
    // By mistake, too.
    let place = S3Place {
        allow_http: false,
        ..server.place()
    };
    assert_says(&put(&place).await.unwrap_err(), "without TLS");
}
