//! A bench: a device over an empty floor, people who stand where they are put, and a peer at the end of the wire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use analytics::{DetectError, Detection, Detector, Posture};
use firmware::{Command, Configuration, Diagnostic, Factory, Firmware, Identity, MacAddress, SerialNumber, Step};
use firmware_shim::{
    ConnId, FLASH_BLOCK_BYTES, FlashOp, Frame, Inputs, Lens, Level, Mounting, NetAction, NetEvent, RgbImage, RtcTime,
    Uptime, View,
};
use glam::{DVec2, DVec3};

use crate::upgrade::upgrade_key;

/// 2022/12/20 10:00:00 UTC.
pub const POWER_ON: i64 = 1_671_530_400_000_000_000;

/// Between frames.
const FRAME_MS: u64 = 100;

/// What stands at the other end of the wire. It sees what the device asks of the network, and answers at once or later.
pub trait Peer {
    /// Takes actions in, and returns what comes back at this instant.
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent>;

    /// So late it is, for a peer that wants to know.
    fn time_is(&mut self, _now: Uptime) {}
}

type People = Arc<Mutex<Result<Vec<DVec2>, ()>>>;

/// Sees everybody who is on the floor, or is broken.
struct SeesAll {
    view: View,
    people: People,
}

impl Detector for SeesAll {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        let people = self.people.lock().expect("no test panics while it holds this");
        let Ok(people) = &*people else { return Err(DetectError::NoPicture { seq: frame.seq }) };
        let detection = |place: &DVec2| {
            let head_px = self.view.pixel(place.extend(1.62)).expect("in view");
            let half = DVec2::splat(15.0);
            let (box_min_px, box_max_px) = (head_px - half, head_px + half);
            Detection { head_px, box_min_px, box_max_px, posture: Posture::Standing, confidence: 0.9 }
        };
        Ok(people.iter().map(detection).collect())
    }

    fn believes_from(&self) -> f64 {
        0.0
    }
}

pub struct Bench<P> {
    pub firmware: Firmware,
    pub peer: P,
    pub now: Uptime,
    /// Everything the firmware said, with the instant in milliseconds.
    pub said: Vec<(u64, Diagnostic)>,
    /// Whether somebody holds the reset button.
    pub reset_pressed: bool,
    /// When the LED changed, and to what.
    pub led: Vec<(u64, bool)>,
    /// What the last step awaited.
    pub awaiting: Vec<ConnId>,
    view: View,
    people: People,
    next_frame_ms: u64,
    seq: u64,
    next_wake: Option<Uptime>,
    /// How often something was started that is no program.
    pub watchdog_bites: u32,
    /// What the camera has when all pixels are asked for.
    pub camera: Option<RgbImage>,
    /// By how much the clock was set, nanoseconds.
    pub clock_set_ns: i64,
    /// What the flash chip holds.
    flash: Vec<u8>,
    /// When the firmware was up: its uptime is counted from there.
    up_since: Uptime,
}

fn lens() -> Lens {
    Lens::with_horizontal_angle(320, 240, 95f64.to_radians(), [1.0 / 12.0, 0.0, 0.0, 0.0])
}

const MOUNTING: Mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };

/// Which device it is.
pub const SN: &str = "369362028335";
pub const MAC: &str = "00:16:28:FA:8E:68";

fn factory() -> Factory {
    let identity = Identity {
        sn: SerialNumber::try_from(SN.to_owned()).expect("a serial number"),
        mac: MacAddress::try_from(MAC.to_owned()).expect("a hardware address"),
    };
    Factory { identity, upgrade_key: Some(upgrade_key()), ..Factory::new(lens(), MOUNTING) }
}

/// Does to a flash what the chip does.
pub fn perform(flash: &mut [u8], ops: &[FlashOp]) {
    for op in ops {
        match op {
            FlashOp::Erase { block } => flash[block * FLASH_BLOCK_BYTES..(block + 1) * FLASH_BLOCK_BYTES].fill(0xFF),
            FlashOp::Program { at, bytes } => flash[*at..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte),
        }
    }
}

/// Firmware on a flash, without anybody to be seen.
pub fn firmware_on(flash: &[u8]) -> Firmware {
    let view = View { lens: lens(), mounting: MOUNTING };
    let detector = SeesAll { view, people: Arc::new(Mutex::new(Ok(vec![]))) };
    Firmware::power_on(flash, &factory(), Box::new(detector), 3)
}

/// What a device is told in which nothing happens.
pub fn nothing() -> Inputs {
    let (rtc, di) = (RtcTime(POWER_ON), Level::Low);
    Inputs { rtc, frame: None, di, reset_pressed: false, rs485: vec![], network: vec![], picture: None }
}

impl<P: Peer> Bench<P> {
    /// A device that has just been switched on.
    pub fn new(configuration: Configuration, peer: P) -> Self {
        let view = View { lens: lens(), mounting: MOUNTING };
        let people: People = Arc::new(Mutex::new(Ok(Vec::new())));
        let detector = Box::new(SeesAll { view, people: people.clone() });
        let flash = firmware::set_up_flash(&configuration).expect("a configuration without mistakes");
        let firmware = Firmware::power_on(&flash, &factory(), detector, 1);
        let mut bench = Bench {
            firmware,
            peer,
            now: Uptime::ZERO,
            said: Vec::new(),
            reset_pressed: false,
            led: Vec::new(),
            awaiting: Vec::new(),
            view,
            people,
            next_frame_ms: FRAME_MS,
            seq: 0,
            next_wake: None,
            watchdog_bites: 0,
            camera: None,
            clock_set_ns: 0,
            flash,
            up_since: Uptime::ZERO,
        };
        bench.step(None, Vec::new());
        bench
    }

    /// The power is cut and back at once.
    pub fn restarts(&mut self) {
        let mut boot = firmware::boot(&self.flash, &factory());
        self.write(&boot.flash);
        while !boot.comes_up {
            self.watchdog_bites += 1;
            boot = firmware::boot(&self.flash, &factory());
            self.write(&boot.flash);
        }
        let detector = Box::new(SeesAll { view: self.view, people: self.people.clone() });
        self.firmware = Firmware::power_on(&self.flash, &factory(), detector, 2);
        self.up_since = self.now;
        self.step(None, Vec::new());
    }

    /// Puts people on the floor, metres from the point below the device.
    pub fn people_stand_at(&mut self, places: &[(f64, f64)]) {
        *self.people.lock().expect("no test panics while it holds this") =
            Ok(places.iter().map(|&(x, y)| DVec2::new(x, y)).collect());
    }

    /// From now on no frame can be analysed.
    pub fn detector_breaks(&mut self) {
        *self.people.lock().expect("no test panics while it holds this") = Err(());
    }

    /// Where a point of the floor is in normalised image coordinates.
    pub fn on_image(&self, x: f64, y: f64) -> DVec2 {
        self.view.normalised(self.view.pixel(DVec3::new(x, y, 0.0)).expect("in view"))
    }

    fn rtc(&self) -> RtcTime {
        RtcTime(POWER_ON + self.now.0 as i64 + self.clock_set_ns)
    }

    /// One step, and further ones at the same instant as long as the peer has something to say.
    fn step(&mut self, frame: Option<Frame>, network: Vec<NetEvent>) {
        let mut inputs = Inputs {
            rtc: self.rtc(),
            frame,
            di: Level::Low,
            reset_pressed: self.reset_pressed,
            rs485: vec![],
            network,
            picture: None,
        };
        loop {
            let start = self.up_since.since(Uptime::ZERO);
            let Step { outputs, diagnostics, .. } = self.firmware.step(self.now - start, inputs);
            let at_ms = self.now.0 / 1_000_000;
            self.write(&outputs.flash);
            self.said.extend(diagnostics.into_iter().map(|diagnostic| (at_ms, diagnostic)));
            self.next_wake = outputs.next_wake.map(|wake| wake + start);
            self.awaiting = outputs.awaiting;
            if self.led.last().is_none_or(|(_, on)| *on != outputs.led_on) {
                self.led.push((at_ms, outputs.led_on));
            }
            if let Some(time) = outputs.set_rtc {
                self.clock_set_ns += time.0 - self.rtc().0;
            }
            self.peer.time_is(self.now);
            let network = self.peer.carry_out(&outputs.network);
            if outputs.restart {
                return self.restarts();
            }
            let is_asked = outputs.take_picture.is_some();
            if network.is_empty() && !is_asked {
                return;
            }
            let picture = self.camera.clone().filter(|_| is_asked);
            inputs = Inputs {
                rtc: self.rtc(),
                frame: None,
                di: Level::Low,
                reset_pressed: self.reset_pressed,
                rs485: vec![],
                network,
                picture,
            };
        }
    }

    fn write(&mut self, ops: &[FlashOp]) {
        perform(&mut self.flash, ops);
    }

    /// What the flash chip holds.
    pub fn flash(&self) -> &[u8] {
        &self.flash
    }

    /// Time passes, with a frame every 100 ms and a step whenever the firmware asked for one.
    pub fn run_until_ms(&mut self, end_ms: u64) {
        loop {
            let frame_at = Uptime::from_millis(self.next_frame_ms);
            let next = self.next_wake.map_or(frame_at, |wake| wake.min(frame_at)).max(self.now);
            if next > Uptime::from_millis(end_ms) {
                self.now = Uptime::from_millis(end_ms);
                return;
            }
            self.now = next;
            let frame = (next == frame_at).then(|| {
                self.seq += 1;
                self.next_frame_ms += FRAME_MS;
                let taken_at = next - std::time::Duration::from_millis(30) - self.up_since.since(Uptime::ZERO);
                Frame { seq: self.seq, taken_at, image: None }
            });
            self.step(frame, Vec::new());
        }
    }

    /// The network brings something by itself.
    pub fn hears(&mut self, event: NetEvent) {
        self.step(None, vec![event]);
    }

    /// A person has the device do something.
    pub fn command(&mut self, command: Command) {
        let (now, rtc) = (self.now - self.up_since.since(Uptime::ZERO), self.rtc());
        self.firmware.command(now, rtc, command).expect("no mistakes");
        self.step(None, Vec::new());
    }

    /// Somebody presses the reset button, or lets it go.
    pub fn reset_button(&mut self, is_pressed: bool) {
        self.reset_pressed = is_pressed;
        self.step(None, Vec::new());
    }

    /// A person saves other settings.
    pub fn configure(&mut self, configuration: Configuration) {
        self.command(Command::Configure(Box::new(configuration)));
    }

    /// What the firmware said, as `12.300 s report 1 …` without the documents.
    pub fn transcript(&self) -> Vec<String> {
        let line = |(at_ms, diagnostic): &(u64, Diagnostic)| {
            let at = Uptime::from_millis(*at_ms);
            match diagnostic {
                Diagnostic::ReportMade { report, kind, .. } => format!("{at} report {report} ({kind}) made"),
                other => format!("{at} {other}"),
            }
        };
        self.said.iter().map(line).collect()
    }

    /// The documents made so far.
    pub fn documents(&self) -> Vec<String> {
        let document = |(_, diagnostic): &(u64, Diagnostic)| match diagnostic {
            Diagnostic::ReportMade { document, .. } => Some(document.clone()),
            _ => None,
        };
        self.said.iter().filter_map(document).collect()
    }
}

/// A network in which every connection is refused.
pub struct NobodyThere;

impl Peer for NobodyThere {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let refused = |action: &NetAction| match action {
            NetAction::Connect { conn, .. } => {
                Some(NetEvent::ConnectFailed { conn: *conn, reason: "connection refused".to_owned() })
            }
            _ => None,
        };
        actions.iter().filter_map(refused).collect()
    }
}

/// A network in which connections are never answered.
pub struct BlackHole;

impl Peer for BlackHole {
    fn carry_out(&mut self, _: &[NetAction]) -> Vec<NetEvent> {
        Vec::new()
    }
}

/// What arrived on each connection of a network that accepts all.
#[derive(Default)]
pub struct Listening {
    pub connected_to: BTreeMap<ConnId, (String, u16)>,
    pub received: BTreeMap<ConnId, Vec<u8>>,
    pub closed: Vec<ConnId>,
}

impl Listening {
    /// Takes actions in. Connections open; what was sent on them in these actions is returned beside.
    pub fn take(&mut self, actions: &[NetAction]) -> (Vec<NetEvent>, Vec<(ConnId, Vec<u8>)>) {
        let (mut events, mut sent) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                NetAction::Connect { conn, host, port } => {
                    self.connected_to.insert(*conn, (host.clone(), *port));
                    events.push(NetEvent::Connected { conn: *conn });
                }
                NetAction::Send { conn, bytes } => {
                    self.received.entry(*conn).or_default().extend(bytes);
                    sent.push((*conn, bytes.clone()));
                }
                NetAction::Close { conn } => self.closed.push(*conn),
                NetAction::Ask { .. } | NetAction::Listen { .. } | NetAction::Unlisten { .. } => {}
            }
        }
        (events, sent)
    }
}
