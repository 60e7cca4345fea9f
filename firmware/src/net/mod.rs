//! The shell: carries out the core's network actions on real TCP sockets, and waits for what it was promised.
//!
//! Host names and addresses are those the device is configured with; a map says where on this host they are, as a virtual
//! machine's network does. What is not in the map cannot be reached. Knows nothing of what the bytes mean.
//!
//! Waiting is bounded by wall time, because a peer that stalls must fail a run and not hang it. Nothing else depends on
//! wall time: results follow from what was sent and received.
#![allow(clippy::disallowed_methods)] // Sockets are what this module is for.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use firmware_shim::{ConnId, NetAction, NetEvent};

/// How long a peer may keep the device waiting, wall time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why somebody is closed who lets the buffers fill up.
pub const TAKES_NOTHING: &str = "it does not take what it is sent";

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// The device's network port.
pub struct Net {
    addresses: BTreeMap<(String, u16), SocketAddr>,
    patience: Duration,
    open: BTreeMap<ConnId, Socket>,
    /// Exchanges of datagrams.
    asked: BTreeMap<ConnId, Asked>,
    /// By the port as the device's neighbours know it.
    listening: BTreeMap<u16, TcpListener>,
    /// Connections that others opened.
    accepted: BTreeMap<ConnId, TcpStream>,
    next_accepted: ConnId,
    bytes_sent: u64,
}

struct Socket {
    stream: TcpStream,
    /// `host:port` as the device knows it.
    peer: String,
}

struct Asked {
    socket: UdpSocket,
    /// `host:port` as the device knows it.
    peer: String,
}

/// Why waiting for a peer came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The peer owes an answer and is silent.
    #[error("{peer} did not answer within {} s of real time", patience.as_secs_f64())]
    Stalled {
        /// `host:port` as the device knows it.
        peer: String,
        /// How long was waited.
        patience: Duration,
    },
}

impl Net {
    /// A network in which each `(host, port)` the device may use is found at a socket address of this host. Names of hosts are the same however they
    /// are capitalised.
    pub fn new(addresses: BTreeMap<(String, u16), SocketAddr>) -> Self {
        let addresses =
            addresses.into_iter().map(|((host, port), at)| ((host.to_ascii_lowercase(), port), at)).collect();
        Net {
            addresses,
            patience: PATIENCE,
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
            listening: BTreeMap::new(),
            accepted: BTreeMap::new(),
            next_accepted: ConnId::ACCEPTED,
            bytes_sent: 0,
        }
    }

    /// The same network with another patience, 30 s if never told.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Carries out actions in order. Connecting is answered at once, among the returned events; so is sending to a peer
    /// that has closed.
    pub fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = Vec::new();
        for action in actions {
            match action {
                NetAction::Connect { conn, host, port } => events.push(self.connect(*conn, host, *port)),
                NetAction::Listen { port } => self.listen(*port),
                NetAction::Unlisten { port } => drop(self.listening.remove(port)),
                NetAction::Send { conn, bytes } if *conn >= ConnId::ACCEPTED => events.extend(self.tell(*conn, bytes)),
                NetAction::Send { conn, bytes } => events.extend(self.send(*conn, bytes)),
                NetAction::Ask { conn, host, port, bytes } => events.extend(self.ask(*conn, host, *port, bytes)),
                NetAction::Close { conn } => {
                    self.open.remove(conn);
                    self.asked.remove(conn);
                    self.accepted.remove(conn);
                }
            }
        }
        events
    }

    /// Waits for the lowest open connection of `awaiting`, and returns what came: some bytes, or that it closed. One
    /// connection at a time, so that the order in which peers are heard does not depend on which of them is faster.
    /// Returns nothing when none of them is open.
    ///
    /// # Errors
    /// [`NetError::Stalled`] when nothing comes in time.
    pub fn receive(&mut self, awaiting: &[ConnId]) -> Result<Vec<NetEvent>, NetError> {
        let is_open = |conn: &ConnId| self.open.contains_key(conn) || self.asked.contains_key(conn);
        let Some(conn) = awaiting.iter().copied().filter(is_open).min() else {
            return Ok(Vec::new());
        };
        let mut buffer = vec![0; READ_BYTES];
        let asked = self.asked.get(&conn);
        let (read, peer) = match (self.open.get_mut(&conn), asked) {
            (Some(socket), _) => (unless_interrupted(|| socket.stream.read(&mut buffer)), &socket.peer),
            (None, Some(asked)) => (unless_interrupted(|| asked.socket.recv(&mut buffer)), &asked.peer),
            (None, None) => return Ok(Vec::new()),
        };
        match read {
            Ok(0) if asked.is_none() => {
                self.open.remove(&conn);
                Ok(vec![NetEvent::Closed { conn, reason: None }])
            }
            Ok(length) => {
                buffer.truncate(length);
                Ok(vec![NetEvent::Received { conn, bytes: buffer }])
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(NetError::Stalled { peer: peer.clone(), patience: self.patience })
            }
            Err(error) => Ok(vec![self.lose(conn, &error)]),
        }
    }

    /// Bytes written since the beginning on connections that the device opened, to all peers. Who sees the peers' side can tell from it whether all has arrived.
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    fn connect(&mut self, conn: ConnId, host: &str, port: u16) -> NetEvent {
        let peer = format!("{host}:{port}");
        let Some(address) = self.addresses.get(&(host.to_ascii_lowercase(), port)) else {
            return NetEvent::ConnectFailed { conn, reason: format!("no route to {peer}") };
        };
        match open(*address, self.patience) {
            Ok(stream) => {
                self.open.insert(conn, Socket { stream, peer });
                NetEvent::Connected { conn }
            }
            Err(error) => NetEvent::ConnectFailed { conn, reason: words(&error) },
        }
    }

    /// Where on this host a port is that the device listens at.
    pub fn listening_at(&self, port: u16) -> Option<SocketAddr> {
        self.listening.get(&port)?.local_addr().ok()
    }

    /// Lets in somebody who has connected to a port that the device listens at; waits until one has.
    pub fn accept(&mut self, port: u16) -> Option<NetEvent> {
        let (stream, _) = self.listening.get(&port)?.accept().ok()?;
        stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).ok()?;
        let conn = self.next_accepted;
        self.next_accepted = ConnId(conn.0 + 1);
        self.accepted.insert(conn, stream);
        Some(NetEvent::Accepted { conn, port })
    }

    /// The host's port is a free one: the device's own may be taken, or be for others.
    fn listen(&mut self, port: u16) {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
            self.listening.insert(port, listener);
        }
    }

    /// Sends on a connection that somebody else opened, without waiting.
    fn tell(&mut self, conn: ConnId, bytes: &[u8]) -> Option<NetEvent> {
        let error = self.accepted.get_mut(&conn)?.write_all(bytes).err()?;
        self.accepted.remove(&conn);
        let reason = if error.kind() == ErrorKind::WouldBlock { TAKES_NOTHING.to_owned() } else { words(&error) };
        Some(NetEvent::Closed { conn, reason: Some(reason) })
    }

    fn ask(&mut self, conn: ConnId, host: &str, port: u16, bytes: &[u8]) -> Option<NetEvent> {
        let peer = format!("{host}:{port}");
        let Some(address) = self.addresses.get(&(host.to_ascii_lowercase(), port)) else {
            return Some(NetEvent::ConnectFailed { conn, reason: format!("no route to {peer}") });
        };
        match ask(*address, bytes, self.patience) {
            Ok(socket) => {
                self.asked.insert(conn, Asked { socket, peer });
                None
            }
            Err(error) => Some(NetEvent::ConnectFailed { conn, reason: words(&error) }),
        }
    }

    fn send(&mut self, conn: ConnId, bytes: &[u8]) -> Option<NetEvent> {
        let socket = self.open.get_mut(&conn)?;
        let mut left = bytes;
        while !left.is_empty() {
            match socket.stream.write(left) {
                Ok(0) => return Some(self.lose(conn, &ErrorKind::WriteZero.into())),
                Ok(written) => {
                    self.bytes_sent += written as u64;
                    left = &left[written..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Some(self.lose(conn, &error)),
            }
        }
        None
    }

    fn lose(&mut self, conn: ConnId, error: &io::Error) -> NetEvent {
        self.open.remove(&conn);
        self.asked.remove(&conn);
        NetEvent::Closed { conn, reason: Some(words(error)) }
    }
}

fn open(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// Sends a datagram from a port that takes answers from nobody else.
fn ask(address: SocketAddr, bytes: &[u8], patience: Duration) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(patience))?;
    socket.send(bytes)?;
    Ok(socket)
}

fn unless_interrupted(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The same words on every system, since they go into transcripts. A peer that has closed is told by a reset or by a broken
/// pipe, whichever comes first.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "reset by the peer".to_owned()
        }
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "unreachable".to_owned(),
        _ => error.to_string(),
    }
}
