//! Where an answer's body ends: after a length, or after the last of its chunks (RFC 9112 §6, §7.1).

use httparse::Status;

/// The longest line that may stand before a chunk.
const CHUNK_LINE_MAX: usize = 4_096;

/// Reads one body out of the bytes of a connection.
#[derive(Debug)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(usize),
    /// The size of the next chunk is still to come.
    ChunkSize,
    /// So many bytes of a chunk, and the line break after it, are still to come.
    Chunk(usize),
    /// The trailer after the last chunk.
    Trailer,
    /// Everything was read.
    Done,
}

impl Framing {
    /// Reads as much as there is, hands the body's bytes to `sink`, and gives how many bytes of
    /// the input it used. [`Framing::Done`] when that was the end.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        mut sink: impl FnMut(&[u8]),
    ) -> Result<usize, &'static str> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match self {
                Self::Done | Self::Length(0) => {
                    *self = Self::Done;
                    return Ok(used);
                }
                Self::ChunkSize => match httparse::parse_chunk_size(rest) {
                    Ok(Status::Complete((length, 0))) => {
                        used += length;
                        *self = Self::Trailer;
                    }
                    Ok(Status::Complete((length, size))) => {
                        used += length;
                        *self =
                            Self::Chunk(usize::try_from(size).map_err(|_| "a chunk is too long")?);
                    }
                    Ok(Status::Partial) if rest.len() < CHUNK_LINE_MAX => return Ok(used),
                    Ok(Status::Partial) | Err(_) => return Err("a chunk has no size"),
                },
                Self::Chunk(0) => match rest {
                    [b'\r', b'\n', ..] => {
                        used += 2;
                        *self = Self::ChunkSize;
                    }
                    [] | [b'\r'] => return Ok(used),
                    _ => return Err("a chunk does not end where it should"),
                },
                Self::Length(left) | Self::Chunk(left) => {
                    let here = rest.len().min(*left);
                    if here == 0 {
                        return Ok(used);
                    }
                    sink(&rest[..here]);
                    *left -= here;
                    used += here;
                }
                Self::Trailer => match rest.windows(2).position(|pair| pair == b"\r\n") {
                    // The empty line is the end; others are fields that nobody here asks for.
                    Some(0) => {
                        used += 2;
                        *self = Self::Done;
                    }
                    Some(at) => used += at + 2,
                    None if rest.len() < CHUNK_LINE_MAX => return Ok(used),
                    None => return Err("the trailer does not end"),
                },
            }
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the input in pieces of a size; the body and what was left over.
    fn fed(
        mut framing: Framing,
        input: &[u8],
        piece: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let (mut body, mut held) = (Vec::new(), Vec::new());
        for more in input.chunks(piece) {
            held.extend_from_slice(more);
            let used = framing.read(&held, |bytes| body.extend_from_slice(bytes))?;
            held.drain(..used);
        }
        assert!(framing.is_done(), "{framing:?}");
        Ok((body, held))
    }

    #[test]
    fn a_body_is_the_same_however_its_bytes_arrive() {
        let chunked = b"4\r\nWiki\r\n6;name=x\r\npedia \r\n0\r\nX-Sum: 1\r\n\r\nHTTP";
        for piece in 1..chunked.len() {
            let (body, rest) = fed(Framing::ChunkSize, chunked, piece).unwrap();
            assert_eq!((&body[..], &rest[..]), (&b"Wikipedia "[..], &b"HTTP"[..]));
            let (body, rest) = fed(Framing::Length(3), b"abcd", piece).unwrap();
            assert_eq!((&body[..], &rest[..]), (&b"abc"[..], &b"d"[..]));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(fed(Framing::ChunkSize, b"zz\r\n", 1).is_err());
        assert!(fed(Framing::ChunkSize, b"1\r\nabc", 1).is_err());
    }
}
