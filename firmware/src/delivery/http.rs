//! One HTTP address: each report is one POST on a connection of its own, one after the other.
//!
//! Success is any 2xx. Redirects are not followed: a recipient is an address somebody wrote down.

use std::sync::Arc;

use firmware_shim::{ConnId, NetEvent, Uptime};
use ureq_proto::client::state::RecvResponse;
use ureq_proto::client::{Call, SendRequestResult};
use ureq_proto::http::Request;

use super::{ANSWER_MAX, Letter, Outbox, Waiting};
use crate::configuration::HttpUrl;
use crate::diagnostic::{Failure, Receipt};

const USER_AGENT: &str = concat!("workplace-sensor/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Room for the longest line of a request's head besides the address.
const LINE_BYTES: usize = 1024;

pub(crate) struct HttpRecipient {
    url: HttpUrl,
    name: Arc<str>,
    waiting: Waiting,
    exchange: Option<Exchange>,
}

/// One report under way.
struct Exchange {
    conn: ConnId,
    letter: Letter,
    deadline: Uptime,
    stage: Stage,
}

enum Stage {
    Connecting,
    AwaitingAnswer { call: Box<Call<RecvResponse>>, received: Vec<u8> },
}

impl HttpRecipient {
    pub fn new(url: HttpUrl) -> Self {
        HttpRecipient { name: url.to_string().into(), url, waiting: Waiting::default(), exchange: None }
    }

    pub fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// For people.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub fn offer(&mut self, letter: Letter, outbox: &mut Outbox) {
        self.waiting.push(letter, outbox);
    }

    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        let Some(mut exchange) = self.exchange.take_if(|exchange| exchange.conn == event.conn()) else { return };
        match event {
            NetEvent::Connected { conn } => match request(&self.url, &exchange.letter.document) {
                Ok((bytes, call)) => {
                    outbox.send(*conn, bytes);
                    outbox.note_sent(&exchange.letter);
                    exchange.stage = Stage::AwaitingAnswer { call: Box::new(call), received: Vec::new() };
                    self.exchange = Some(exchange);
                }
                Err(reason) => self.fail(exchange, Failure::Protocol { reason }, true, outbox),
            },
            NetEvent::ConnectFailed { reason, .. } => {
                self.fail(exchange, Failure::ConnectFailed { reason: reason.clone() }, false, outbox);
            }
            NetEvent::Closed { reason, .. } => {
                self.fail(exchange, Failure::ConnectionLost { reason: reason.clone() }, false, outbox);
            }
            NetEvent::Received { bytes, .. } => self.hear_answer(exchange, bytes, outbox),
        }
        self.proceed(now, outbox);
    }

    fn hear_answer(&mut self, mut exchange: Exchange, bytes: &[u8], outbox: &mut Outbox) {
        let Stage::AwaitingAnswer { call, received } = &mut exchange.stage else {
            let reason = "bytes before the connection was open".to_owned();
            return self.fail(exchange, Failure::Protocol { reason }, true, outbox);
        };
        received.extend_from_slice(bytes);
        match read_status(call, received) {
            Ok(None) => self.exchange = Some(exchange),
            Ok(Some(status @ 200..=299)) => {
                outbox.close(exchange.conn);
                outbox.note_delivered(&exchange.letter, Receipt::HttpStatus(status));
            }
            Ok(Some(status)) => self.fail(exchange, Failure::HttpStatus(status), true, outbox),
            Err(reason) => self.fail(exchange, Failure::Protocol { reason }, true, outbox),
        }
    }

    fn fail(&mut self, exchange: Exchange, failure: Failure, is_open: bool, outbox: &mut Outbox) {
        if is_open {
            outbox.close(exchange.conn);
        }
        outbox.drop_letter(exchange.letter, failure);
    }

    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        if let Some(exchange) = self.exchange.take_if(|exchange| now >= exchange.deadline) {
            self.fail(exchange, Failure::NoAnswer { waited: ANSWER_MAX }, true, outbox);
        }
        if self.exchange.is_none()
            && let Some(letter) = self.waiting.pop()
        {
            let conn = outbox.connect(self.url.host(), self.url.port());
            self.exchange = Some(Exchange { conn, letter, deadline: now + ANSWER_MAX, stage: Stage::Connecting });
        }
    }

    pub fn give_up(&mut self, outbox: &mut Outbox) {
        if let Some(exchange) = self.exchange.take() {
            self.fail(exchange, Failure::RecipientRemoved, true, outbox);
        }
        self.waiting.drop_all(&Failure::RecipientRemoved, outbox);
    }

    pub fn awaiting(&self) -> Option<ConnId> {
        self.exchange.as_ref().map(|exchange| exchange.conn)
    }

    pub fn next_wake(&self) -> Option<Uptime> {
        self.exchange.as_ref().map(|exchange| exchange.deadline)
    }
}

/// The request's bytes, and the protocol's state after sending them.
fn request(url: &HttpUrl, document: &Arc<str>) -> Result<(Vec<u8>, Call<RecvResponse>), String> {
    let request = Request::post(url.uri())
        .header("user-agent", USER_AGENT)
        .header("content-type", "application/json")
        .header("content-length", document.len())
        .header("connection", "close")
        .body(())
        .map_err(|error| error.to_string())?;
    let words = |error: ureq_proto::Error| error.to_string();
    let mut call = Call::new(request).map_err(words)?.proceed();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; LINE_BYTES + url.uri().to_string().len() + document.len()];
    while !call.can_proceed() {
        let written = call.write(&mut buffer).map_err(words)?;
        bytes.extend_from_slice(&buffer[..written]);
    }
    let Some(SendRequestResult::SendBody(mut call)) = call.proceed().map_err(words)? else {
        return Err("a request without a body".to_owned());
    };
    let (_, written) = call.write(document.as_bytes(), &mut buffer).map_err(words)?;
    bytes.extend_from_slice(&buffer[..written]);
    let call = call.proceed().ok_or_else(|| "a request cut short".to_owned())?;
    Ok((bytes, call))
}

/// The status of the answer, once its head is there.
fn read_status(call: &mut Call<RecvResponse>, received: &mut Vec<u8>) -> Result<Option<u16>, String> {
    loop {
        let (used, response) = call.try_response(received, false).map_err(|error| error.to_string())?;
        received.drain(..used);
        if let Some(response) = response {
            return Ok(Some(response.status().as_u16()));
        }
        // An interim answer (1xx) was used up, and the real one may follow in the same bytes.
        if used == 0 {
            break;
        }
    }
    if received.len() > HEAD_BYTES_MAX {
        return Err(format!("the head of the answer is longer than {HEAD_BYTES_MAX} bytes"));
    }
    Ok(None)
}
