//! One HTTP address: each report is one POST on a connection of its own, one after the other.
//!
//! Success is any 2xx. Redirects are not followed: a recipient is an address somebody wrote down. Where the server asks who the device is, the
//! same report goes once more, with the answer; what was asked for is answered at once from then on.

use std::sync::Arc;

use firmware_shim::{ConnId, NetEvent, Uptime};
use ureq_proto::client::state::RecvResponse;
use ureq_proto::client::{Call, SendRequestResult};
use ureq_proto::http::header::WWW_AUTHENTICATE;
use ureq_proto::http::{Request, Response, StatusCode};

use super::authentication::{Challenge, Credentials};
use super::{ANSWER_MAX, Letter, Outbox, Waiting};
use crate::configuration::{HttpUrl, NotificationUrl};
use crate::diagnostic::{Failure, Receipt};

const USER_AGENT: &str = concat!("workplace-sensor/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Room for the longest line of a request's head besides the address.
const LINE_BYTES: usize = 1024;

pub(crate) struct HttpRecipient {
    address: HttpAddress,
    name: Arc<str>,
    waiting: Waiting,
    exchange: Option<Exchange>,
    /// What the server asked last.
    challenge: Option<Challenge>,
}

/// Where reports go, and as whom: two entries with the same are one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpAddress {
    url: HttpUrl,
    credentials: Option<Credentials>,
}

impl HttpAddress {
    pub fn new(entry: &NotificationUrl) -> Self {
        let credentials = entry.user_name.clone().map(|user_name| {
            let password = entry.password.clone().unwrap_or_default();
            Credentials { user_name, password }
        });
        HttpAddress { url: entry.url.clone(), credentials }
    }
}

/// One report under way.
struct Exchange {
    conn: ConnId,
    letter: Letter,
    deadline: Uptime,
    stage: Stage,
    /// Whether the server has asked already, in this exchange.
    was_asked: bool,
}

enum Stage {
    Connecting,
    AwaitingAnswer { call: Box<Call<RecvResponse>>, received: Vec<u8> },
}

impl HttpRecipient {
    pub fn new(address: HttpAddress) -> Self {
        let name = address.url.to_string().into();
        HttpRecipient { address, name, waiting: Waiting::default(), exchange: None, challenge: None }
    }

    pub fn address(&self) -> &HttpAddress {
        &self.address
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
            NetEvent::Connected { conn } => match self.request(&exchange.letter.document, outbox) {
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
            NetEvent::Received { bytes, .. } => self.hear_answer(exchange, bytes, now, outbox),
        }
        self.proceed(now, outbox);
    }

    fn hear_answer(&mut self, mut exchange: Exchange, bytes: &[u8], now: Uptime, outbox: &mut Outbox) {
        let Stage::AwaitingAnswer { call, received } = &mut exchange.stage else {
            let reason = "bytes before the connection was open".to_owned();
            return self.fail(exchange, Failure::Protocol { reason }, true, outbox);
        };
        received.extend_from_slice(bytes);
        let response = match read_head(call, received) {
            Ok(None) => {
                self.exchange = Some(exchange);
                return;
            }
            Ok(Some(response)) => response,
            Err(reason) => return self.fail(exchange, Failure::Protocol { reason }, true, outbox),
        };
        match response.status() {
            status if status.is_success() => {
                outbox.close(exchange.conn);
                outbox.note_delivered(&exchange.letter, Receipt::HttpStatus(status.as_u16()));
            }
            StatusCode::UNAUTHORIZED if !exchange.was_asked && self.is_asked(&response) => {
                outbox.close(exchange.conn);
                self.exchange = Some(self.begin(exchange.letter, true, now, outbox));
            }
            status => self.fail(exchange, Failure::HttpStatus(status.as_u16()), true, outbox),
        }
    }

    /// Takes in who the server asks for, when the device can say.
    fn is_asked(&mut self, response: &Response<()>) -> bool {
        let values = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        self.challenge = self.address.credentials.as_ref().and_then(|_| Challenge::strongest(&values));
        self.challenge.is_some()
    }

    fn begin(&self, letter: Letter, was_asked: bool, now: Uptime, outbox: &mut Outbox) -> Exchange {
        let conn = outbox.connect(self.address.url.host(), self.address.url.port());
        Exchange { conn, letter, deadline: now + ANSWER_MAX, stage: Stage::Connecting, was_asked }
    }

    /// The request's bytes, and the protocol's state after sending them.
    fn request(&mut self, document: &Arc<str>, outbox: &mut Outbox) -> Result<(Vec<u8>, Call<RecvResponse>), String> {
        let uri = self.address.url.uri();
        let answer = self.challenge.as_mut().zip(self.address.credentials.as_ref());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let answer = answer.and_then(|(challenge, who)| challenge.answer(who, path, document, &mut outbox.rng));
        request(&self.address.url, document, answer)
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
            self.exchange = Some(self.begin(letter, false, now, outbox));
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

/// A request with an answer to the server's question, if there was one.
fn request(
    url: &HttpUrl,
    document: &Arc<str>,
    answer: Option<String>,
) -> Result<(Vec<u8>, Call<RecvResponse>), String> {
    let answer_bytes = answer.as_ref().map_or(0, String::len);
    let mut request = Request::post(url.uri())
        .header("user-agent", USER_AGENT)
        .header("content-type", "application/json")
        .header("content-length", document.len())
        .header("connection", "close");
    if let Some(answer) = answer {
        request = request.header("authorization", answer);
    }
    let request = request.body(()).map_err(|error| error.to_string())?;
    let words = |error: ureq_proto::Error| error.to_string();
    let mut call = Call::new(request).map_err(words)?.proceed();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; LINE_BYTES + url.uri().to_string().len() + answer_bytes + document.len()];
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

/// The head of the answer, once it is there.
fn read_head(call: &mut Call<RecvResponse>, received: &mut Vec<u8>) -> Result<Option<Response<()>>, String> {
    loop {
        let (used, response) = call.try_response(received, false).map_err(|error| error.to_string())?;
        received.drain(..used);
        if let Some(response) = response {
            return Ok(Some(response));
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
