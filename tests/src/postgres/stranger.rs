//! Somebody else's connection to a server, as far as the protocol has to be spoken for it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use super::{Database, ROLE};

/// Version 3.0 of the protocol.
const PROTOCOL: u32 = 196_608;

/// An open connection; closed when dropped.
#[derive(Debug)]
pub struct Stranger(UnixStream);

impl Stranger {
    /// Connects; nothing if the server has no room, or is not there.
    pub fn come(database: &Database) -> Option<Self> {
        let mut stream = UnixStream::connect(database.socket()).ok()?;
        let mut body = PROTOCOL.to_be_bytes().to_vec();
        let name = database.name.as_str();
        for text in [
            "user",
            ROLE,
            "database",
            name,
            "application_name",
            "stranger",
        ] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).expect("it is short");
        stream.write_all(&length.to_be_bytes()).ok()?;
        stream.write_all(&body).ok()?;
        let mut stranger = Self(stream);
        stranger.is_answered().then_some(stranger)
    }

    /// Has statements run, whatever they give; `false` if they fail.
    pub fn ask(&mut self, statements: &str) -> bool {
        let length = u32::try_from(statements.len() + 5).expect("they are short");
        let message = [
            b"Q",
            &length.to_be_bytes()[..],
            statements.as_bytes(),
            b"\0",
        ]
        .concat();
        self.0.write_all(&message).is_ok() && self.is_answered()
    }

    /// Reads until the server is ready for more; `false` after an error.
    fn is_answered(&mut self) -> bool {
        let mut well = true;
        loop {
            let mut head = [0; 5];
            if self.0.read_exact(&mut head).is_err() {
                return false;
            }
            let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes"));
            let mut body = vec![0; length as usize - 4];
            if self.0.read_exact(&mut body).is_err() {
                return false;
            }
            match head[0] {
                b'Z' => return well,
                b'E' => well = false,
                _ => {}
            }
        }
    }
}
