//! A device's byte stream followed through HTTP/1.1 requests, to know when one is complete.
//!
//! Decodes no more than the framing: what a request says is the receiver's to tell. Knows nothing of sockets.

use httparse::Status;

/// A request's head longer than this is none.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// As many as the receiver takes.
const HEADERS_MAX: usize = 100;

#[derive(Default)]
pub(super) struct HttpStream {
    /// What has come and is not yet understood; a body is not kept.
    buffer: Vec<u8>,
    /// Method and path of the request whose body is under way.
    line: String,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Head,
    /// This many bytes of a body are still to come.
    Body(u64),
    /// The size of a chunk comes next.
    ChunkSize,
    /// This many bytes of a chunk and its line end are still to come.
    Chunk(u64),
    /// Header lines, or the empty line that ends a chunked body.
    Trailer,
}

impl HttpStream {
    /// Takes in bytes and gives method and path of each request they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        self.buffer.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(ended) = self.advance()? {
            if ended {
                self.state = State::Head;
                complete.push(std::mem::take(&mut self.line));
            }
        }
        Ok(complete)
    }

    /// One step: `None` when more bytes are needed, else whether a request has ended.
    fn advance(&mut self) -> Result<Option<bool>, String> {
        match self.state {
            State::Head => self.head(),
            State::Body(rest) => {
                let rest = rest - self.skip(rest);
                self.state = State::Body(rest);
                Ok((rest == 0).then_some(true))
            }
            State::ChunkSize => match httparse::parse_chunk_size(&self.buffer) {
                Ok(Status::Partial) => Ok(None),
                Ok(Status::Complete((used, size))) => {
                    self.buffer.drain(..used);
                    self.state = if size == 0 { State::Trailer } else { State::Chunk(size.saturating_add(2)) };
                    Ok(Some(false))
                }
                Err(_) => Err(format!("{}: the size of a chunk is no hexadecimal number", self.line)),
            },
            State::Chunk(rest) => {
                let rest = rest - self.skip(rest);
                self.state = if rest == 0 { State::ChunkSize } else { State::Chunk(rest) };
                Ok((rest == 0).then_some(false))
            }
            State::Trailer => {
                let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
                self.buffer.drain(..end + 2);
                Ok(Some(end == 0))
            }
        }
    }

    fn skip(&mut self, most: u64) -> u64 {
        let skipped = self.buffer.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        self.buffer.drain(..skipped);
        skipped as u64
    }

    fn head(&mut self) -> Result<Option<bool>, String> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let used = match request.parse(&self.buffer) {
            Ok(Status::Complete(used)) => used,
            Ok(Status::Partial) if self.buffer.len() > HEAD_BYTES_MAX => {
                return Err(format!("a request's head longer than {HEAD_BYTES_MAX} bytes"));
            }
            Ok(Status::Partial) => return Ok(None),
            Err(error) => return Err(format!("no HTTP/1.1 request: {error}")),
        };
        self.line = format!("{} {}", request.method.unwrap_or_default(), request.path.unwrap_or_default());
        let header = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        self.state = if let Some(coding) = header("transfer-encoding") {
            if !coding.value.eq_ignore_ascii_case(b"chunked") {
                let coding = String::from_utf8_lossy(coding.value);
                return Err(format!("{}: transfer coding `{coding}`; only `chunked` is known", self.line));
            }
            State::ChunkSize
        } else if let Some(length) = header("content-length") {
            let length = std::str::from_utf8(length.value).ok().and_then(|text| text.trim().parse().ok());
            State::Body(length.ok_or_else(|| format!("{}: the content length is no number", self.line))?)
        } else {
            State::Body(0)
        };
        self.buffer.drain(..used);
        Ok(Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
        POST /b HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n1;ext\r\n!\r\n0\r\nTrailer: y\r\n\r\n\
        GET /c?d=e HTTP/1.1\r\n\r\n";

    #[test]
    fn requests_are_complete_wherever_the_bytes_are_split() {
        for split in 0..=REQUESTS.len() {
            let mut stream = HttpStream::default();
            let mut complete = stream.push(&REQUESTS.as_bytes()[..split]).unwrap();
            complete.extend(stream.push(&REQUESTS.as_bytes()[split..]).unwrap());
            assert_eq!(complete, ["POST /a", "POST /b", "GET /c?d=e"], "split at {split}");
        }
        let mut stream = HttpStream::default();
        let one_by_one: Vec<String> = REQUESTS.bytes().flat_map(|byte| stream.push(&[byte]).unwrap()).collect();
        assert_eq!(one_by_one.len(), 3);
    }

    #[test]
    fn a_request_is_not_complete_before_its_last_byte() {
        for (request, _) in REQUESTS.match_indices("POST").zip(0..1) {
            let whole = &REQUESTS[request.0..][..REQUESTS.find("hello").unwrap() + 5];
            let mut stream = HttpStream::default();
            assert_eq!(stream.push(&whole.as_bytes()[..whole.len() - 1]).unwrap(), [""; 0]);
            assert_eq!(stream.push(&whole.as_bytes()[whole.len() - 1..]).unwrap(), ["POST /a"]);
        }
    }

    #[test]
    fn what_is_no_http_is_refused() {
        let refused = |text: &str| HttpStream::default().push(text.as_bytes()).expect_err("should be refused");
        assert!(refused("\x10\x0f\0\x04MQTT").contains("no HTTP/1.1 request"));
        assert!(refused("POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n").contains("content length"));
        assert!(refused("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n").contains("gzip"));
        assert!(refused("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").contains("chunk"));
        assert!(refused(&format!("POST /{} HTTP/1.1", "a".repeat(70_000))).contains("longer than"));
    }
}
