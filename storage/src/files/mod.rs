//! Rendered files, in any store that `object_store` knows.

mod breaker;
mod object;
mod s3;

pub use self::object::ObjectFiles;
pub use self::s3::S3Place;
