//! Rendered files, in any store that `object_store` knows.

mod object;

pub use self::object::ObjectFiles;
