//! The network between the device and its recipients, and the faults that a scenario makes in it.
//!
//! What has no fault goes over real connections to real receivers. Faults happen here, in virtual time, alike for every kind of recipient, so that
//! they are the same in every run; a recipient that fails gets nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use firmware::{Net, NetError, TAKES_NOTHING};
use firmware_shim::{ConnId, NetAction, NetEvent, Uptime};
use golden::{Client, Recipient, RecipientKind, host_and_port};
use serde::{Deserialize, Serialize};

/// What is wrong with the way to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Fault {
    /// Nobody listens: connections are refused, and those there were are reset.
    Refuses,
    /// The recipient's cable is out: nothing that is sent arrives, and nothing comes back. (The device's own, over which its power may come, is
    /// another event.)
    Unplugged,
    /// It lets the device in and then says nothing.
    Silent,
    /// All it says comes late.
    Slow {
        /// By how much, seconds.
        by_s: f64,
    },
    /// A gateway answers every HTTP request with this status instead of the recipient.
    Status(u16),
    /// It answers with bytes that mean nothing.
    Garbage,
    /// What the device sends arrives, but instead of the answer the connection is reset.
    LosesAnswers,
}

impl Fault {
    /// What is wrong with the fault on the way to a recipient.
    pub(crate) fn problem(&self, recipient: &Recipient) -> Option<String> {
        let is_plain_http = recipient.kind == RecipientKind::Http && recipient.tls.is_none();
        match self {
            Fault::Status(_) | Fault::LosesAnswers if !is_plain_http => Some(
                "Status and LosesAnswers are for HTTP without TLS: others are answered before they send anything"
                    .to_owned(),
            ),
            Fault::Slow { by_s } if !(0.0..=3600.0).contains(by_s) => {
                Some(format!("by_s: {by_s} s is out of 0 to 3,600 s"))
            }
            Fault::Status(status) if !(100..=599).contains(status) => {
                Some(format!("{status} is no HTTP status: 100 to 599"))
            }
            _ => None,
        }
    }
}

/// Words of a peer that has gone mad. No protocol has them.
const GARBAGE: &[u8] = b"\x00\xff\x17\x03{]%%\r\n\r\n\xfe\xfe";

const RESET: &str = "reset by the peer";

type Address = (String, u16);

/// The device's network, as far as the recipients' own doors.
pub(crate) struct Network {
    net: Net,
    faults: BTreeMap<Address, Fault>,
    /// Whether the device's own cable is in.
    cable_is_in: bool,
    conns: BTreeMap<ConnId, Way>,
    /// What comes late, in the order in which it came.
    late: Vec<(Uptime, NetEvent)>,
    /// Ports of the device that others may connect to.
    ports: BTreeSet<u16>,
    /// Who has connected to them, by name.
    guests: BTreeMap<String, Guest>,
}

/// A client of the device.
struct Guest {
    conn: ConnId,
    client: Client,
    /// What it was sent and has yet to take.
    sent_bytes: usize,
    /// Something that it was sent never came, since the device's cable was out.
    has_missed: bool,
    /// It takes nothing: that is played, for how much a real connection's buffers hold is another number on every machine.
    has_stopped: bool,
}

impl Guest {
    fn takes(&self) -> bool {
        !self.has_stopped && !self.has_missed
    }
}

/// What the buffers of a connection hold whose other end takes nothing, bytes.
const BUFFERS_BYTES: usize = 64 * 1024;

/// One connection.
struct Way {
    to: Address,
    /// Whether there is a real connection; else the fault at its other end plays the peer.
    is_real: bool,
    /// Something that was sent on it is lost, so that it can never be whole again.
    is_broken: bool,
    /// An exchange of datagrams, which nobody ever resets.
    is_datagram: bool,
}

impl Network {
    pub fn new(net: Net) -> Self {
        Network {
            net,
            faults: BTreeMap::new(),
            cable_is_in: true,
            conns: BTreeMap::new(),
            late: Vec::new(),
            ports: BTreeSet::new(),
            guests: BTreeMap::new(),
        }
    }

    /// Bytes that real recipients were sent since the beginning.
    pub fn bytes_sent(&self) -> u64 {
        self.net.bytes_sent()
    }

    /// From now on the way to a recipient, by its address, has this fault, or none. Returns what comes of it at once.
    pub fn set_fault(&mut self, recipient: &str, fault: Option<Fault>) -> Vec<NetEvent> {
        // Whoever has no address can have no fault either; scenario files are checked for that.
        let Ok(to) = &host_and_port(recipient) else { return vec![] };
        match fault {
            Some(fault) => self.faults.insert(to.clone(), fault),
            None => self.faults.remove(to),
        };
        self.turned(to)
    }

    /// The device's own cable goes out, or in again. Returns what comes of it at once. Whoever was sent something meanwhile and
    /// did not get it, client of the device or recipient, knows nothing of the connection any more.
    pub fn plug_cable(&mut self, is_in: bool) -> Vec<NetEvent> {
        self.cable_is_in = is_in;
        let peers: BTreeSet<Address> = self.conns.values().map(|way| way.to.clone()).collect();
        let mut events: Vec<NetEvent> = peers.iter().flat_map(|to| self.turned(to)).collect();
        if is_in {
            let missed: Vec<ConnId> =
                self.guests.values().filter(|guest| guest.has_missed).map(|guest| guest.conn).collect();
            events.extend(missed.into_iter().map(|conn| self.reset(conn)));
        }
        events
    }

    /// What is wrong with the way to an address.
    fn fault(&self, to: &Address) -> Option<Fault> {
        if self.cable_is_in { self.faults.get(to).copied() } else { Some(Fault::Unplugged) }
    }

    /// What comes at once of the way to an address having become as it is now.
    fn turned(&mut self, to: &Address) -> Vec<NetEvent> {
        let fault = self.fault(to);
        let ends = |way: &Way| match fault {
            _ if way.is_datagram => false,
            Some(Fault::Refuses) => true,
            Some(Fault::Unplugged) => false,
            // A peer that was played or has missed something knows nothing of the connection.
            _ => !way.is_real || way.is_broken,
        };
        let over: Vec<ConnId> =
            self.conns.iter().filter(|(_, way)| way.to == *to && ends(way)).map(|(conn, _)| *conn).collect();
        if matches!(fault, Some(Fault::Unplugged | Fault::Silent)) {
            self.lose_what_is_late(to);
        }
        over.into_iter().map(|conn| self.reset(conn)).collect()
    }

    /// What was to come late does not come any more.
    fn lose_what_is_late(&mut self, to: &Address) {
        let Network { late, conns, .. } = self;
        late.retain(|(_, event)| match conns.get_mut(&event.conn()).filter(|way| way.to == *to) {
            Some(way) => {
                way.is_broken = true;
                false
            }
            None => true,
        });
    }

    /// Carries out what the device asks at `now`; returns what comes of it at once.
    pub fn carry_out(&mut self, now: Uptime, actions: &[NetAction]) -> Vec<NetEvent> {
        actions.iter().flat_map(|action| self.carry_out_one(now, action)).collect()
    }

    fn carry_out_one(&mut self, now: Uptime, action: &NetAction) -> Vec<NetEvent> {
        match action {
            NetAction::Connect { conn, host, port } => {
                let to = (host.to_ascii_lowercase(), *port);
                let fault = self.fault(&to);
                let is_real = matches!(fault, None | Some(Fault::Slow { .. } | Fault::LosesAnswers));
                let events = match fault {
                    Some(Fault::Refuses) => {
                        return vec![NetEvent::ConnectFailed { conn: *conn, reason: "connection refused".to_owned() }];
                    }
                    Some(Fault::Unplugged) => vec![],
                    Some(_) if !is_real => vec![NetEvent::Connected { conn: *conn }],
                    _ => self.net.carry_out(std::slice::from_ref(action)),
                };
                self.conns.insert(*conn, Way { to, is_real, is_broken: false, is_datagram: false });
                self.in_time(now, events)
            }
            NetAction::Ask { conn, host, port, .. } => {
                let to = (host.to_ascii_lowercase(), *port);
                let fault = self.fault(&to);
                let is_real = matches!(fault, None | Some(Fault::Slow { .. }));
                let events = match fault {
                    // Nobody listens: the host itself says so.
                    Some(Fault::Refuses) => {
                        return vec![NetEvent::ConnectFailed { conn: *conn, reason: "connection refused".to_owned() }];
                    }
                    Some(Fault::Garbage) => vec![NetEvent::Received { conn: *conn, bytes: GARBAGE.to_vec() }],
                    Some(_) if !is_real => vec![],
                    _ => self.net.carry_out(std::slice::from_ref(action)),
                };
                self.conns.insert(*conn, Way { to, is_real, is_broken: false, is_datagram: true });
                self.in_time(now, events)
            }
            NetAction::Listen { port } => {
                self.ports.insert(*port);
                self.net.carry_out(std::slice::from_ref(action))
            }
            NetAction::Unlisten { port } => {
                self.ports.remove(port);
                self.net.carry_out(std::slice::from_ref(action))
            }
            NetAction::Send { conn, bytes } if *conn >= ConnId::ACCEPTED => self.tell(*conn, bytes),
            NetAction::Send { conn, .. } => {
                let Some(to) = self.conns.get(conn).map(|way| way.to.clone()) else { return vec![] };
                let fault = self.fault(&to);
                let Some(way) = self.conns.get_mut(conn) else { return vec![] };
                let answer = match fault {
                    Some(Fault::Status(status)) => http_answer(status),
                    Some(Fault::Garbage) => GARBAGE.to_vec(),
                    Some(Fault::Refuses | Fault::Unplugged | Fault::Silent) => {
                        way.is_broken = true;
                        return vec![];
                    }
                    None | Some(Fault::Slow { .. } | Fault::LosesAnswers) => {
                        let events = self.net.carry_out(std::slice::from_ref(action));
                        return self.in_time(now, events);
                    }
                };
                way.is_broken = true;
                vec![NetEvent::Received { conn: *conn, bytes: answer }]
            }
            NetAction::Close { conn } => {
                self.forget(*conn);
                vec![]
            }
        }
    }

    /// Somebody connects to a port of the device.
    pub fn connect_client(&mut self, name: &str, port: u16) -> Result<NetEvent, String> {
        if !self.cable_is_in {
            return Err("the device's cable is out".to_owned());
        }
        if self.guests.contains_key(name) {
            return Err("it is connected already".to_owned());
        }
        let address = self.net.listening_at(port).ok_or("connection refused")?;
        let client = Client::connect(address).map_err(|error| error.to_string())?;
        let accepted = self.net.accept(port).ok_or("connection refused")?;
        let conn = accepted.conn();
        self.guests
            .insert(name.to_owned(), Guest { conn, client, sent_bytes: 0, has_missed: false, has_stopped: false });
        Ok(accepted)
    }

    /// A client takes nothing more.
    pub fn stop_client(&mut self, name: &str) {
        if let Some(guest) = self.guests.get_mut(name) {
            guest.has_stopped = true;
        }
    }

    /// A client closes its connection, if it has one.
    pub fn disconnect_client(&mut self, name: &str) -> Option<NetEvent> {
        let guest = self.guests.remove(name)?;
        self.net.carry_out(&[NetAction::Close { conn: guest.conn }]);
        Some(NetEvent::Closed { conn: guest.conn, reason: None })
    }

    /// Sends to a client of the device.
    fn tell(&mut self, conn: ConnId, bytes: &[u8]) -> Vec<NetEvent> {
        let Some(guest) = self.guests.values_mut().find(|guest| guest.conn == conn) else { return vec![] };
        guest.sent_bytes += bytes.len();
        guest.has_missed |= !self.cable_is_in;
        if guest.takes() {
            return self.net.carry_out(&[NetAction::Send { conn, bytes: bytes.to_vec() }]);
        }
        if guest.sent_bytes <= BUFFERS_BYTES {
            return vec![];
        }
        self.forget(conn);
        vec![NetEvent::Closed { conn, reason: Some(TAKES_NOTHING.to_owned()) }]
    }

    /// What clients were sent and have taken, added to what each was sent before.
    pub fn take_told(&mut self, told: &mut BTreeMap<String, String>) -> io::Result<()> {
        for (name, guest) in self.guests.iter_mut().filter(|(_, guest)| guest.takes() && guest.sent_bytes > 0) {
            let bytes = guest.client.take(std::mem::take(&mut guest.sent_bytes))?;
            told.entry(name.clone()).or_default().push_str(&String::from_utf8_lossy(&bytes));
        }
        Ok(())
    }

    /// Waits for what real recipients owe on these connections; nothing when what is owed is not to come now.
    pub fn receive(&mut self, now: Uptime, awaiting: &[ConnId]) -> Result<Vec<NetEvent>, NetError> {
        let is_late = |conn: &ConnId| self.late.iter().any(|(_, event)| event.conn() == *conn);
        let comes = |conn: &&ConnId| {
            let fault = |way: &Way| self.fault(&way.to);
            let is_mute = |way: &Way| {
                !matches!(fault(way), None | Some(Fault::Slow { .. } | Fault::LosesAnswers)) || way.is_broken
            };
            self.conns.get(conn).is_some_and(|way| way.is_real && !is_mute(way)) && !is_late(conn)
        };
        let owing: Vec<ConnId> = awaiting.iter().filter(comes).copied().collect();
        let events = self.net.receive(&owing)?;
        Ok(self.in_time(now, events))
    }

    /// What of these events comes now; the rest is kept until it is due.
    fn in_time(&mut self, now: Uptime, events: Vec<NetEvent>) -> Vec<NetEvent> {
        let mut in_time = Vec::new();
        for event in events {
            let conn = event.conn();
            let fault = self.conns.get(&conn).and_then(|way| self.fault(&way.to));
            let behind = self.late.iter().filter(|(_, late)| late.conn() == conn).map(|(at, _)| *at).max();
            match (fault, &event) {
                (Some(Fault::Slow { by_s }), _) => {
                    self.late.push((now + Duration::from_secs_f64(by_s), event));
                }
                // Nothing overtakes what is still on its way.
                _ if behind.is_some() => self.late.extend(behind.map(|at| (at, event))),
                (Some(Fault::LosesAnswers), NetEvent::Received { .. }) => in_time.push(self.reset(conn)),
                _ => {
                    if matches!(event, NetEvent::ConnectFailed { .. } | NetEvent::Closed { .. }) {
                        self.conns.remove(&conn);
                    }
                    in_time.push(event);
                }
            }
        }
        in_time
    }

    /// When something that comes late is due.
    pub fn next_due(&self) -> Option<Uptime> {
        self.late.iter().map(|(at, _)| *at).min()
    }

    /// What comes late and is due.
    pub fn due(&mut self, now: Uptime) -> Vec<NetEvent> {
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = late;
        let mut due: Vec<(Uptime, NetEvent)> = due;
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, event)| event).collect()
    }

    /// The device is without power: all its connections are gone.
    pub fn drop_all(&mut self) {
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        conns.into_iter().for_each(|conn| self.forget(conn));
        for guest in std::mem::take(&mut self.guests).into_values() {
            self.net.carry_out(&[NetAction::Close { conn: guest.conn }]);
        }
        for port in std::mem::take(&mut self.ports) {
            self.net.carry_out(&[NetAction::Unlisten { port }]);
        }
    }

    fn reset(&mut self, conn: ConnId) -> NetEvent {
        self.forget(conn);
        NetEvent::Closed { conn, reason: Some(RESET.to_owned()) }
    }

    fn forget(&mut self, conn: ConnId) {
        self.late.retain(|(_, event)| event.conn() != conn);
        if conn >= ConnId::ACCEPTED {
            self.guests.retain(|_, guest| guest.conn != conn);
            self.net.carry_out(&[NetAction::Close { conn }]);
        }
        if self.conns.remove(&conn).is_some_and(|way| way.is_real) {
            self.net.carry_out(&[NetAction::Close { conn }]);
        }
    }
}

fn http_answer(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} Out of order\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_missed_something_while_the_cable_was_out_is_lost() {
        let mut network = Network::new(Net::new(BTreeMap::new()));
        network.carry_out(Uptime::ZERO, &[NetAction::Listen { port: 9000 }]);
        let told = |network: &mut Network, conn| {
            assert_eq!(network.carry_out(Uptime::ZERO, &[NetAction::Send { conn, bytes: b"line\n".to_vec() }]), []);
            let mut told = BTreeMap::new();
            network.take_told(&mut told).expect("what was sent comes");
            told.into_values().collect::<String>()
        };
        let accepted = network.connect_client("missing", 9000).expect("the device listens").conn();
        let quiet = network.connect_client("quiet", 9000).expect("the device listens").conn();
        assert_eq!(told(&mut network, accepted), "line\n");
        assert_eq!(network.plug_cable(false), []);
        assert_eq!(told(&mut network, accepted), "");
        assert_eq!(network.connect_client("third", 9000), Err("the device's cable is out".to_owned()));
        let closed = NetEvent::Closed { conn: accepted, reason: Some(RESET.to_owned()) };
        assert_eq!(network.plug_cable(true), [closed]);
        assert_eq!((told(&mut network, accepted).as_str(), told(&mut network, quiet).as_str()), ("", "line\n"));
    }
}
