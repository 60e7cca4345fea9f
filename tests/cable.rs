//! The device on a cable that a test can cut at any byte, to a broker of others; with its flash, so that it can be without power, too.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use firmware::{Configuration, Diagnostic, Factory, Firmware};
use firmware_shim::{
    ConnId, FLASH_BLOCK_BYTES, FlashOp, Inputs, Lens, Level, Mounting, NetAction, NetEvent, RtcTime, Uptime,
};

use crate::nobody::Nobody;

/// The packet that is lost, with its connection, on the way there or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Publish,
    Pubrec,
    Pubrel,
    Pubcomp,
}

impl Cut {
    fn is_at(self, packet: &[u8]) -> bool {
        let packet_type = match self {
            Cut::Publish => 3,
            Cut::Pubrec => 5,
            Cut::Pubrel => 6,
            Cut::Pubcomp => 7,
        };
        packet[0] >> 4 == packet_type
    }
}

pub struct Device {
    firmware: Firmware,
    factory: Factory,
    flash: Vec<u8>,
    now: Uptime,
    up_since: Uptime,
    next_wake: Option<Uptime>,
    broker: SocketAddr,
    streams: BTreeMap<ConnId, TcpStream>,
    /// Where the cable is cut next.
    cut: Option<Cut>,
    /// Whether the power goes with it.
    with_power: bool,
    /// The reports made so far.
    pub documents: Vec<String>,
}

impl Device {
    pub fn new(configuration: &Configuration, broker: SocketAddr) -> Self {
        let lens = Lens { width: 320, height: 240, focal_px: 100.0, distortion: [0.0; 4] };
        let factory = Factory::new(lens, Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 });
        let flash = firmware::set_up_flash(configuration).expect("no mistakes");
        let firmware = Firmware::power_on(&flash, &factory, Box::new(Nobody), 1);
        let (now, up_since, next_wake) = (Uptime::ZERO, Uptime::ZERO, Some(Uptime::ZERO));
        let (streams, documents) = (BTreeMap::new(), vec![]);
        let (cut, with_power) = (None, false);
        Device { firmware, factory, flash, now, up_since, next_wake, broker, streams, cut, with_power, documents }
    }

    /// Has the cable be cut here, once, and the power with it or not.
    pub fn cut(&mut self, cut: Cut, with_power: bool) {
        (self.cut, self.with_power) = (Some(cut), with_power);
    }

    /// Works until so many reports were made and all of them are delivered.
    pub fn run_until_delivered(&mut self, reports: usize) {
        while self.documents.len() < reports || self.firmware.tally().kept > 0 {
            self.now = self.next_wake.expect("something is always due").max(self.now);
            assert!(self.now < Uptime::from_millis(600_000), "it takes too long");
            self.step();
        }
        assert_eq!(self.cut, None, "the cable was to be cut");
    }

    fn step(&mut self) {
        let mut network = vec![];
        loop {
            let rtc = RtcTime(1_770_000_000_000_000_000 + self.now.0 as i64);
            let inputs = Inputs {
                rtc,
                frame: None,
                di: Level::Low,
                reset_pressed: false,
                rs485: vec![],
                network,
                picture: None,
            };
            let start = self.up_since.since(Uptime::ZERO);
            let step = self.firmware.step(self.now - start, inputs);
            self.documents.extend(step.diagnostics.into_iter().filter_map(|said| match said {
                Diagnostic::ReportMade { document, .. } => Some(document),
                _ => None,
            }));
            step.outputs.flash.iter().for_each(|op| self.write(op));
            self.next_wake = step.outputs.next_wake.map(|wake| wake + start);
            network = self.carry_out(&step.outputs.network);
            if network.is_empty() {
                network = step.outputs.awaiting.iter().filter_map(|conn| self.receive(*conn)).collect();
            }
            if self.with_power && network.iter().any(|event| matches!(event, NetEvent::Closed { .. })) {
                return self.restart();
            }
            if network.is_empty() {
                return;
            }
        }
    }

    /// The power is back.
    fn restart(&mut self) {
        self.with_power = false;
        self.streams.clear();
        self.firmware = Firmware::power_on(&self.flash, &self.factory, Box::new(Nobody), 2);
        (self.up_since, self.next_wake) = (self.now, Some(self.now));
    }

    fn write(&mut self, op: &FlashOp) {
        match op {
            FlashOp::Erase { block } => {
                self.flash[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES].fill(0xFF);
            }
            FlashOp::Program { at, bytes } => {
                self.flash[*at..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte);
            }
        }
    }

    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = vec![];
        for action in actions {
            match action {
                NetAction::Connect { conn, .. } => {
                    let stream = TcpStream::connect(self.broker).expect("the broker listens");
                    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
                    self.streams.insert(*conn, stream);
                    events.push(NetEvent::Connected { conn: *conn });
                }
                NetAction::Send { conn, bytes } => {
                    // The firmware sends packet by packet.
                    if self.cut.take_if(|cut| cut.is_at(bytes)).is_some() {
                        self.streams.remove(conn);
                        events.push(NetEvent::Closed { conn: *conn, reason: None });
                    } else if let Some(stream) = self.streams.get_mut(conn) {
                        stream.write_all(bytes).expect("the broker listens");
                    }
                }
                NetAction::Close { conn } => drop(self.streams.remove(conn)),
                other => panic!("nothing else is set: {other:?}"),
            }
        }
        events
    }

    /// The broker's next packet.
    fn receive(&mut self, conn: ConnId) -> Option<NetEvent> {
        let stream = self.streams.get_mut(&conn)?;
        let mut bytes = vec![0; 2];
        stream.read_exact(&mut bytes).expect("the broker answers");
        let mut rest = vec![0; usize::from(bytes[1])];
        stream.read_exact(&mut rest).expect("the broker answers");
        bytes.extend(rest);
        if self.cut.take_if(|cut| cut.is_at(&bytes)).is_some() {
            self.streams.remove(&conn);
            return Some(NetEvent::Closed { conn, reason: None });
        }
        Some(NetEvent::Received { conn, bytes })
    }
}
