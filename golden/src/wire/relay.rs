//! The relay between a device and one recipient's receiver: it passes bytes both ways, and understands the device's well
//! enough to know what must come out at the other end.
//!
//! Every receiver is behind one, so whatever is to happen to a connection can happen here, alike for all. Knows nothing of
//! what the reports say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::handshakes::Course;
use super::http_stream::HttpStream;
use super::mqtt_stream::{Cut, DevicePacket, MqttStream, take_whole_packets};
use super::secure::{Came, Counted};
use super::sessions::Sessions;
use super::tally::{Connection, Heard, Tally};

/// How long, in real time, a receiver may take to finish with a connection that the device has ended. It takes well under a
/// millisecond; this only keeps a fault in a receiver from holding everything up.
const RECEIVER_GRACE: Duration = Duration::from_secs(10);
const CHUNK_BYTES: usize = 64 << 10;

type FromDevice = Box<dyn AsyncRead + Send + Unpin>;
type ToDevice = Box<dyn AsyncWrite + Send + Unpin>;

/// A relay to one receiver.
pub(super) struct Relay {
    /// Index of the recipient in the tally.
    pub recipient: usize,
    pub tally: Arc<Tally>,
    /// Where the receiver listens.
    pub receiver: SocketAddr,
    /// The sessions, if it is an MQTT broker.
    pub sessions: Option<Arc<Sessions>>,
    /// If the device has to speak TLS.
    pub tls: Option<TlsAcceptor>,
    /// Turns true when the wire ends.
    pub closing: watch::Receiver<bool>,
}

impl Relay {
    /// Carries every connection until the wire ends, and then until the receiver has finished with each.
    pub async fn serve(self: Arc<Relay>, listener: TcpListener) {
        let mut closing = self.closing.clone();
        let mut carried = JoinSet::new();
        loop {
            select! {
                accepted = listener.accept() => match accepted {
                    Ok((device, _)) => {
                        // Never used twice in a process, let alone in a wire; and in the order in which the device connects.
                        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
                        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
                        carried.spawn(Arc::clone(&self).carry(device, connection));
                    }
                    // Out of file descriptors, most likely; trying again at once would only burn time.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = carried.join_next() => {}
                () = closed(&mut closing) => break,
            }
        }
        drop(listener);
        while carried.join_next().await.is_some() {}
    }

    async fn carry(self: Arc<Relay>, device: TcpStream, connection: Connection) {
        let _ = device.set_nodelay(true);
        let (device, came) = Counted::new(device);
        let (from_device, to_device): (FromDevice, ToDevice) = match &self.tls {
            None => {
                let (from, to) = tokio::io::split(device);
                (Box::new(from), Box::new(to))
            }
            Some(acceptor) => {
                // The device awaits an answer to whatever it sends right behind, so that nothing is at rest before that is understood.
                let (tally, recipient) = (Arc::clone(&self.tally), self.recipient);
                came.book(Some(Box::new(move |bytes| tally.took_in(recipient, connection, bytes, vec![], None))));
                let secure = match acceptor.accept(device).into_fallible().await {
                    Ok(secure) => Some(secure),
                    Err((_, device)) => {
                        device.drain().await;
                        None
                    }
                };
                came.book(None);
                let Some(secure) = secure else {
                    return self.tally.ended(self.recipient, connection);
                };
                let (from, to) = tokio::io::split(secure);
                (Box::new(from), Box::new(to))
            }
        };
        let stream = if self.sessions.is_some() {
            Stream::Mqtt(MqttStream::default())
        } else {
            Stream::Http(HttpStream::default())
        };
        let mut carriage = Carriage {
            relay: &self,
            connection,
            came,
            stream,
            onward: Onward::Waiting(to_device),
            end: Arc::new(Notify::new()),
            deaf: false,
            goodbye: false,
            session: None,
        };
        carriage.pass_on_all(from_device).await;
        carriage.finish().await;
        if let Some(sessions) = &self.sessions {
            sessions.gone(connection);
        }
        self.tally.ended(self.recipient, connection);
    }
}

/// One connection under way.
struct Carriage<'r> {
    relay: &'r Relay,
    connection: Connection,
    /// Bytes that came from the device and are not booked yet.
    came: Arc<Came>,
    stream: Stream,
    onward: Onward,
    /// Notified when another connection takes this one's session over.
    end: Arc<Notify>,
    /// What came could not be understood; from there on, bytes are only counted or passed on.
    deaf: bool,
    /// A DISCONNECT has been passed on.
    goodbye: bool,
    /// The client id, in a session that outlasts this connection.
    session: Option<String>,
}

enum Stream {
    Http(HttpStream),
    Mqtt(MqttStream),
}

/// The way on to the receiver.
enum Onward {
    /// Not connected yet; the way back to the device.
    Waiting(ToDevice),
    Open {
        to_receiver: OwnedWriteHalf,
        /// Whole packets at a time, where the relay answers in the receiver's stead.
        to_device: Arc<Mutex<ToDevice>>,
        /// Passes the receiver's bytes back until it closes.
        back: JoinHandle<()>,
    },
    Failed,
}

/// What is to be passed on.
enum Onpass {
    Bytes(Bytes),
    Packet(Cut),
}

impl Carriage<'_> {
    /// Until the device, the wire or another session ends the connection.
    async fn pass_on_all(&mut self, mut from_device: FromDevice) {
        let mut closing = self.relay.closing.clone();
        let end = Arc::clone(&self.end);
        let mut buffer = BytesMut::new();
        loop {
            buffer.clear();
            buffer.reserve(CHUNK_BYTES);
            let read = select! {
                // What the device has sent comes before any reason to stop.
                biased;
                read = from_device.read_buf(&mut buffer) => read,
                () = end.notified() => return,
                () = closed(&mut closing) => return,
            };
            if !matches!(read, Ok(1..)) {
                // What ended a secure connection.
                let came = self.came.take();
                self.relay.tally.took_in(self.relay.recipient, self.connection, came, vec![], self.half_sent());
                return;
            }
            if !self.take_in(&buffer).await {
                return;
            }
        }
    }

    /// Books and passes on a piece; false if the connection is to end for what was in it.
    async fn take_in(&mut self, bytes: &[u8]) -> bool {
        let (relay, connection) = (self.relay, self.connection);
        let receiver_is_gone = match &self.onward {
            Onward::Waiting(_) => false,
            Onward::Open { back, .. } => back.is_finished(),
            Onward::Failed => true,
        };
        if receiver_is_gone {
            // Counted, but nothing can be expected of it.
            let came = self.came.take();
            relay.tally.took_in(relay.recipient, connection, came, Vec::new(), None);
            return true;
        }
        let (heard, onward) = self.understand(bytes);
        let (half_sent, came) = (self.half_sent(), self.came.take());
        // Before anything is passed on: what a receiver delivers must be expected by then.
        relay.tally.took_in(relay.recipient, connection, came, heard, half_sent);
        for onpass in onward {
            self.pass_on(onpass).await;
        }
        // What is malformed, an HTTP server answers with an error. A broker just ends the connection, and rumqttd should not
        // even see it.
        !self.deaf || matches!(self.stream, Stream::Http(_))
    }

    fn half_sent(&self) -> Option<String> {
        match &self.stream {
            Stream::Mqtt(stream) if !self.deaf => stream.half_sent(),
            _ => None,
        }
    }

    /// What the bytes mean, and what of them is to be passed on.
    fn understand(&mut self, bytes: &[u8]) -> (Vec<Heard>, Vec<Onpass>) {
        let (mut heard, mut onward) = (Vec::new(), Vec::new());
        match &mut self.stream {
            Stream::Http(stream) => {
                onward.push(Onpass::Bytes(Bytes::copy_from_slice(bytes)));
                if !self.deaf {
                    match stream.push(bytes) {
                        Ok(requests) => heard.extend(requests.into_iter().map(Heard::Request)),
                        Err(reason) => {
                            heard.push(Heard::Malformed(reason));
                            self.deaf = true;
                        }
                    }
                }
            }
            Stream::Mqtt(stream) => {
                stream.push(bytes);
                loop {
                    match stream.cut() {
                        Ok(None) => break,
                        Ok(Some(cut)) => {
                            match &cut.packet {
                                DevicePacket::Connect { client_id, persistent, .. } => {
                                    let client_id = client_id.clone();
                                    if *persistent {
                                        self.session = Some(client_id);
                                    } else {
                                        heard.push(Heard::Anew { client_id });
                                    }
                                }
                                DevicePacket::Publish(publish) => {
                                    let (publish, session) = (publish.clone(), self.session.clone());
                                    heard.push(Heard::Publish { publish, session });
                                }
                                DevicePacket::Release { packet_id } => {
                                    let (packet_id, session) = (*packet_id, self.session.clone());
                                    heard.push(Heard::Release { packet_id, session });
                                }
                                _ => {}
                            }
                            onward.push(Onpass::Packet(cut));
                        }
                        Err(reason) => {
                            heard.push(Heard::Malformed(reason));
                            self.deaf = true;
                            break;
                        }
                    }
                }
            }
        }
        (heard, onward)
    }

    async fn pass_on(&mut self, onpass: Onpass) {
        let cut = match onpass {
            Onpass::Bytes(bytes) => return self.write(&bytes).await,
            Onpass::Packet(cut) => cut,
        };
        let Some(sessions) = &self.relay.sessions else { return self.write(&cut.bytes).await };
        match &cut.packet {
            DevicePacket::Connect { client_id, .. } => {
                let begun = sessions.begin(self.connection, client_id, Arc::clone(&self.end));
                // After the grace, better two sessions at once than none.
                let _ = timeout(RECEIVER_GRACE, begun).await;
            }
            DevicePacket::Disconnect => self.goodbye = true,
            _ => {}
        }
        sessions.note(&cut);
        let course = match &self.session {
            Some(client_id) => sessions.course(client_id, self.connection, &cut),
            None => Course { onward: Some(cut.bytes), answer: None },
        };
        if let Some(bytes) = course.onward {
            self.write(&bytes).await;
        }
        if let Some(answer) = course.answer {
            self.answer(&answer).await;
        }
    }

    /// Tells the device something in the receiver's stead. Whether it still listens it is asked when it is read from.
    async fn answer(&mut self, bytes: &[u8]) {
        if let Onward::Open { to_device, .. } = &self.onward {
            let mut to_device = to_device.lock().await;
            let _ = to_device.write_all(bytes).await;
            let _ = to_device.flush().await;
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        if matches!(self.onward, Onward::Waiting(_)) {
            self.connect().await;
        }
        if let Onward::Open { to_receiver, .. } = &mut self.onward {
            // If the receiver has gone, its way back has ended too, and that is looked at before the next piece.
            let _ = to_receiver.write_all(bytes).await;
        }
    }

    async fn connect(&mut self) {
        let Onward::Waiting(to_device) = std::mem::replace(&mut self.onward, Onward::Failed) else { return };
        let relay = self.relay;
        let connected = TcpStream::connect(relay.receiver).await;
        let (receiver, from) = match connected.and_then(|receiver| receiver.local_addr().map(|from| (receiver, from))) {
            Ok(connected) => connected,
            Err(error) => {
                let reason = Heard::Malformed(format!("the relay failed to reach the receiver: {error}"));
                return relay.tally.took_in(relay.recipient, self.connection, 0, vec![reason], None);
            }
        };
        let _ = receiver.set_nodelay(true);
        relay.tally.relayed_from(relay.recipient, self.connection, from);
        let (from_receiver, to_receiver) = receiver.into_split();
        let (sessions, connection) = (relay.sessions.clone(), self.connection);
        let to_device = Arc::new(Mutex::new(to_device));
        let way_back = Arc::clone(&to_device);
        let back = tokio::spawn(async move {
            pass_back(from_receiver, &way_back, sessions.is_some()).await;
            if let Some(sessions) = sessions {
                sessions.gone(connection);
            }
        });
        self.onward = Onward::Open { to_receiver, to_device, back };
    }

    /// Ends the connection to the receiver in good order.
    async fn finish(&mut self) {
        let rest = match &mut self.stream {
            Stream::Mqtt(stream) if !self.deaf => stream.rest(),
            _ => Bytes::new(),
        };
        let Onward::Open { to_receiver, .. } = &mut self.onward else { return };
        let relay = self.relay;
        match &relay.sessions {
            // The broker ends the connection itself, and must be let (see `sessions`).
            Some(_) if self.goodbye => return self.until_receiver_ends().await,
            Some(_) => {
                let _ = to_receiver.write_all(&rest).await;
            }
            // A server may drop a request whose sender has gone, even a complete one; it was sent, though.
            None => {
                let mut closing = relay.closing.clone();
                select! {
                    () = relay.tally.until_captured(relay.recipient, self.connection) => {}
                    () = closed(&mut closing) => {}
                    () = sleep(RECEIVER_GRACE) => {}
                }
            }
        }
        let _ = to_receiver.shutdown().await;
        self.until_receiver_ends().await;
    }

    async fn until_receiver_ends(&mut self) {
        if let Onward::Open { back, .. } = &mut self.onward
            && timeout(RECEIVER_GRACE, &mut *back).await.is_err()
        {
            back.abort();
        }
    }
}

/// Waits until the wire ends.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that the wire is gone altogether.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Passes the receiver's bytes back, those of a broker in whole packets. When the device has gone, they are still read, so that the receiver
/// ends in good order.
async fn pass_back(mut from_receiver: OwnedReadHalf, to_device: &Mutex<ToDevice>, is_broker: bool) {
    let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
    let mut device_is_there = true;
    while let Ok(1..) = from_receiver.read_buf(&mut buffer).await {
        let bytes = if is_broker { take_whole_packets(&mut buffer) } else { buffer.split().freeze() };
        if device_is_there {
            let mut to_device = to_device.lock().await;
            device_is_there = to_device.write_all(&bytes).await.is_ok() && to_device.flush().await.is_ok();
        }
        buffer.reserve(CHUNK_BYTES);
    }
    let _ = to_device.lock().await.shutdown().await;
}
