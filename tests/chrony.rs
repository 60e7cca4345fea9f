//! The device asks a time server that we did not write: chrony. It tells the host's time, so that nothing here depends on what time it is: only the
//! exchange is asserted, and that the device's clock comes out at the host's.

// A test's own sockets and processes; the device's virtual time stays virtual.
#![allow(clippy::disallowed_methods)]

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use firmware::{Configuration, Diagnostic, Factory, Firmware, Net};
use firmware_shim::{Inputs, Lens, Level, Mounting, RtcTime, Uptime};
use ron_file::RonFile;

mod nobody;
mod process;
mod skip;

use nobody::Nobody;
use process::Running;
use skip::skip;

/// A chrony on a free port that serves the host's clock and leaves it alone; `None` where it is not installed.
fn chrony() -> Option<(Running, SocketAddr)> {
    let program = ["/usr/sbin/chronyd", "/usr/bin/chronyd"].into_iter().find(|it| std::path::Path::new(it).exists())?;
    let folder = tempfile::tempdir().expect("a folder");
    // Between choosing a port and chrony's opening it somebody else may take it; then another is tried.
    for _ in 0..10 {
        let address = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
        let configuration = format!(
            "port {}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 5\ncmdport 0\nbindcmdaddress /\npidfile {}\n",
            address.port(),
            folder.path().join("pid").display()
        );
        let file = folder.path().join("chrony.conf");
        std::fs::write(&file, configuration).expect("written");
        // -x: hands off the clock; -U: as whoever runs the test; -n: in the foreground.
        let started = Command::new(program).args(["-n", "-x", "-U", "-f"]).arg(&file).stderr(Stdio::null()).spawn();
        let running = Running(started.ok()?);
        if answers(address) {
            return Some((running, address));
        }
    }
    panic!("chrony did not answer on any of ten ports");
}

/// Asks until somebody answers: chrony opens its port a moment after it was started. (A socket that is connected would be told at once that nobody is there.)
fn answers(address: SocketAddr) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
    let mut request = [0; 48];
    request[0] = 0b00_100_011;
    (0..50).any(|_| socket.send_to(&request, address).is_ok() && socket.recv_from(&mut [0; 128]).is_ok())
}

fn host_clock() -> RtcTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    RtcTime(i64::try_from(since.as_nanos()).expect("before 2262"))
}

#[test]
fn chrony_puts_the_clock_right() {
    let Some((_running, address)) = chrony() else {
        return skip("chrony is not installed (apt-get install chrony)");
    };
    let lens = Lens { width: 320, height: 240, focal_px: 100.0, distortion: [0.0; 4] };
    let mounting = Mounting { height_m: 3.0, rotation_rad: 0.0, tilt_rad: 0.0 };
    let factory = Factory::new(lens, mounting);
    let configuration: Configuration =
        RonFile::embedded("configuration", "(clock: (source: Ntp()))").parse().expect("a configuration");
    let mut net = Net::new([(("pool.ntp.org".to_owned(), 123), address)].into());
    for off_s in [-86_400, 3, 40 * 365 * 86_400] {
        let mut firmware = Firmware::new(&configuration, &factory, Box::new(Nobody), 1).expect("no mistakes");
        let wrong = |time: RtcTime| RtcTime(time.0 - off_s * 1_000_000_000);
        let (mut network, mut said, mut set) = (vec![], vec![], None);
        loop {
            let rtc = wrong(host_clock());
            let inputs = Inputs {
                rtc,
                frame: None,
                di: Level::Low,
                reset_pressed: false,
                rs485: vec![],
                network,
                picture: None,
            };
            let step = firmware.step(Uptime::ZERO, inputs);
            said.extend(step.diagnostics);
            set = set.or(step.outputs.set_rtc);
            network = net.carry_out(&step.outputs.network);
            if network.is_empty() {
                network = net.receive(&step.outputs.awaiting).expect("chrony answers");
            }
            if network.is_empty() {
                break;
            }
        }
        let off_us = |said: &Diagnostic| match said {
            Diagnostic::ClockSet { offset_us, .. } => Some(*offset_us),
            _ => None,
        };
        let [off_us] = said.iter().filter_map(off_us).collect::<Vec<i64>>()[..] else { panic!("{said:?}") };
        // An exchange on one host that takes longer than a second is none.
        assert!((off_us - off_s * 1_000_000).abs() < 1_000_000, "{off_us} µs");
        let off_ns = host_clock().0 - set.expect("the clock is set").0;
        assert!(off_ns.abs() < 60_000_000_000, "{off_ns} ns");
    }
}
