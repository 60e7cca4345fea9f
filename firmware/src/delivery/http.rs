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
use super::{ANSWER_MAX, CHECKED, Connection, ConnectionState, Letter, Outbox, Waiting, back_off};
use crate::configuration::{CertificateType, HttpUrl, NotificationUrl};
use crate::diagnostic::{Failure, Receipt};
use crate::storage::Sender;
use crate::tls::{Secure, Trust};

const USER_AGENT: &str = concat!("workplace-sensor/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How often a server may ask for one report who the device is. A decision: others' requests may have used up what it was asked with before.
const ASKED_MAX: u32 = 4;

/// Room for the longest line of a request's head besides the address.
const LINE_BYTES: usize = 1024;

pub(crate) struct HttpRecipient {
    address: HttpAddress,
    /// For `https://`.
    secure: Option<Secure>,
    name: Arc<str>,
    waiting: Waiting,
    exchange: Option<Exchange>,
    /// What the server asked last.
    challenge: Option<Challenge>,
    /// Attempts with a kept report that failed since one succeeded.
    failures: usize,
    /// After such a failure, when the next attempt is made.
    retry_at: Option<Uptime>,
    state: ConnectionState,
}

/// Where reports go, and as whom: two entries with the same are one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpAddress {
    url: HttpUrl,
    credentials: Option<Credentials>,
    certificates: CertificateType,
}

impl HttpAddress {
    pub fn new(entry: &NotificationUrl) -> Self {
        let credentials = entry.user_name.clone().map(|user_name| {
            let password = entry.password.clone().unwrap_or_default();
            Credentials { user_name, password }
        });
        HttpAddress { url: entry.url.clone(), credentials, certificates: entry.certificate_type.clone() }
    }

    /// As whom the device speaks to it.
    pub fn sender(&self) -> Sender {
        let user_name = self.credentials.as_ref().map(|credentials| credentials.user_name.clone());
        Sender { client_id: String::new(), user_name }
    }
}

/// One report under way.
struct Exchange {
    conn: ConnId,
    letter: Letter,
    deadline: Uptime,
    stage: Stage,
    /// How often the server has asked already who the device is.
    asked: u32,
}

enum Stage {
    Connecting,
    AwaitingAnswer { call: Box<Call<RecvResponse>>, received: Vec<u8> },
}

impl HttpRecipient {
    pub fn new(address: HttpAddress, trust: &Trust) -> Self {
        let HttpAddress { url, certificates, .. } = &address;
        let secure = url.is_secure().then(|| trust.towards(url.host(), certificates).expect(CHECKED));
        let name = address.url.canonical().into();
        let waiting = Waiting::default();
        HttpRecipient {
            address,
            secure,
            name,
            waiting,
            exchange: None,
            challenge: None,
            failures: 0,
            retry_at: None,
            state: ConnectionState::Untried,
        }
    }

    pub fn address(&self) -> &HttpAddress {
        &self.address
    }

    /// For people.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub fn connection(&self) -> Connection {
        Connection { recipient: self.name.to_string(), state: self.state.clone() }
    }

    /// Whether nothing is under way, and nothing waits.
    pub fn is_done(&self) -> bool {
        self.exchange.is_none() && self.waiting.is_empty()
    }

    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    pub fn waiting_mut(&mut self) -> &mut Waiting {
        &mut self.waiting
    }

    pub fn offer(&mut self, letter: Letter, outbox: &mut Outbox) {
        if self.retry_at.is_some() && letter.entry.is_none() {
            return outbox.drop_letter(letter, Failure::NotConnected);
        }
        // What cannot be sent at once is stored, and goes without its picture.
        let snapshot = letter.snapshot.filter(|_| self.retry_at.is_none());
        let letter = Letter { snapshot, ..letter };
        let under_way = self.exchange.iter().filter(|exchange| exchange.letter.entry.is_some()).count();
        self.waiting.push(letter, under_way, outbox);
    }

    pub fn hear(&mut self, event: &NetEvent, now: Uptime, outbox: &mut Outbox) {
        let Some(mut exchange) = self.exchange.take_if(|exchange| exchange.conn == event.conn()) else { return };
        match event {
            NetEvent::Connected { conn } => match self.request(&exchange.letter.body(), outbox) {
                Ok((bytes, call)) => {
                    outbox.send(*conn, bytes);
                    outbox.note_sent(&exchange.letter);
                    exchange.stage = Stage::AwaitingAnswer { call: Box::new(call), received: Vec::new() };
                    self.exchange = Some(exchange);
                }
                Err(reason) => self.fail(exchange, Failure::Protocol { reason }, true, now, outbox),
            },
            NetEvent::ConnectFailed { reason, .. } => {
                self.fail(exchange, Failure::ConnectFailed { reason: reason.clone() }, false, now, outbox);
            }
            NetEvent::Closed { reason, .. } => {
                self.fail(exchange, Failure::ConnectionLost { reason: reason.clone() }, false, now, outbox);
            }
            NetEvent::Received { bytes, .. } => self.hear_answer(exchange, bytes, now, outbox),
            NetEvent::Accepted { .. } => self.exchange = Some(exchange),
        }
        self.proceed(now, outbox);
    }

    fn hear_answer(&mut self, mut exchange: Exchange, bytes: &[u8], now: Uptime, outbox: &mut Outbox) {
        let Stage::AwaitingAnswer { call, received } = &mut exchange.stage else {
            let reason = "bytes before the connection was open".to_owned();
            return self.fail(exchange, Failure::Protocol { reason }, true, now, outbox);
        };
        received.extend_from_slice(bytes);
        let response = match read_head(call, received) {
            Ok(None) => {
                self.exchange = Some(exchange);
                return;
            }
            Ok(Some(response)) => response,
            Err(reason) => return self.fail(exchange, Failure::Protocol { reason }, true, now, outbox),
        };
        match response.status() {
            status if status.is_success() => {
                outbox.close(exchange.conn);
                (self.failures, self.retry_at, self.state) = (0, None, ConnectionState::Up);
                outbox.note_delivered(exchange.letter, Receipt::HttpStatus(status.as_u16()));
            }
            StatusCode::UNAUTHORIZED if self.is_asked(&response, exchange.asked) => {
                outbox.close(exchange.conn);
                self.exchange = Some(self.begin(exchange.letter, exchange.asked + 1, now, outbox));
            }
            status => self.fail(exchange, Failure::HttpStatus(status.as_u16()), true, now, outbox),
        }
    }

    /// Takes in who the server asks for, when the device can say. Who was told is told again only when the server says that it was too late, and so often at
    /// most.
    fn is_asked(&mut self, response: &Response<()>, before: u32) -> bool {
        let values = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        self.challenge = self.address.credentials.as_ref().and_then(|_| Challenge::strongest(&values));
        let is_new = |challenge: &Challenge| before == 0 || challenge.is_stale() && before < ASKED_MAX;
        self.challenge.as_ref().is_some_and(is_new)
    }

    fn begin(&self, letter: Letter, asked: u32, now: Uptime, outbox: &mut Outbox) -> Exchange {
        let conn = outbox.connect(self.address.url.host(), self.address.url.port(), self.secure.as_ref());
        Exchange { conn, letter, deadline: now + ANSWER_MAX, stage: Stage::Connecting, asked }
    }

    /// The request's bytes, and the protocol's state after sending them.
    fn request(&mut self, document: &Arc<str>, outbox: &mut Outbox) -> Result<(Vec<u8>, Call<RecvResponse>), String> {
        let uri = self.address.url.uri();
        let answer = self.challenge.as_mut().zip(self.address.credentials.as_ref());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let answer = answer.and_then(|(challenge, who)| challenge.answer(who, path, document, &mut outbox.rng));
        request(&self.address.url, document, answer)
    }

    /// An exchange has come to nothing: a report that is kept waits for another attempt, any other is dropped.
    fn fail(&mut self, exchange: Exchange, failure: Failure, is_open: bool, now: Uptime, outbox: &mut Outbox) {
        if is_open {
            outbox.close(exchange.conn);
        }
        self.state = ConnectionState::Down { failure: failure.clone() };
        if exchange.letter.entry.is_none() {
            return outbox.drop_letter(exchange.letter, failure);
        }
        self.failures += 1;
        let retry_in = back_off(self.failures);
        self.retry_at = Some(now + retry_in);
        outbox.note_held_back(&exchange.letter, failure, retry_in);
        self.waiting.put_back(exchange.letter);
        self.waiting.take_pictures_out();
        self.waiting.drop_unkept(&Failure::NotConnected, outbox);
    }

    pub fn proceed(&mut self, now: Uptime, outbox: &mut Outbox) {
        if let Some(exchange) = self.exchange.take_if(|exchange| now >= exchange.deadline) {
            self.fail(exchange, Failure::NoAnswer { waited: ANSWER_MAX }, true, now, outbox);
        }
        if self.exchange.is_none()
            && self.retry_at.is_none_or(|retry_at| now >= retry_at)
            && let Some(letter) = self.waiting.pop()
        {
            self.exchange = Some(self.begin(letter, 0, now, outbox));
        }
    }

    /// Takes leave for good, and gives out what is kept; the rest is dropped.
    pub fn give_up(&mut self, failure: &Failure, outbox: &mut Outbox) -> Vec<Letter> {
        if let Some(exchange) = self.exchange.take() {
            outbox.close(exchange.conn);
            self.waiting.put_back(exchange.letter);
        }
        self.waiting.take_pictures_out();
        self.waiting.drop_unkept(failure, outbox);
        self.waiting.take_unless(|_| false)
    }

    /// Other settings may hide what pictures show: none that was taken before leaves the device any more.
    pub fn take_pictures_out(&mut self) {
        self.waiting.take_pictures_out();
        if let Some(exchange) = &mut self.exchange {
            exchange.letter.snapshot = None;
        }
    }

    /// *Data Retransmission* is off: drops what is kept, and has what is under way be the last attempt.
    pub fn keep_none(&mut self, outbox: &mut Outbox) {
        if let Some(exchange) = &mut self.exchange {
            outbox.strike(&mut exchange.letter);
        }
        for letter in self.waiting.take_unless(|letter| letter.entry.is_none()) {
            outbox.drop_letter(letter, Failure::NotRetransmitted);
        }
        (self.failures, self.retry_at) = (0, None);
    }

    pub fn awaiting(&self) -> Option<ConnId> {
        self.exchange.as_ref().map(|exchange| exchange.conn)
    }

    pub fn next_wake(&self) -> Option<Uptime> {
        let retry_at = self.retry_at.filter(|_| !self.waiting.is_empty());
        self.exchange.as_ref().map(|exchange| exchange.deadline).or(retry_at)
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
