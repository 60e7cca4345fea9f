//! The RS485 line (guide §2.2: the wires A and B), on which one end speaks at a time, byte by byte. What bytes mean is nobody's affair here; the guide has no
//! protocol for them.

use std::time::Duration;

use firmware_shim::Uptime;

/// Bits of a byte on the line: a start bit, eight, a stop bit (assumed, as the rate is).
const BITS: u64 = 10;
/// Bits a second.
const BAUD: u64 = 9600;
/// What a receiver holds until somebody looks, bytes; what comes on top is lost, as in any UART (assumed).
const FIFO_BYTES: usize = 256;

/// One of the two who can drive the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The device's transceiver.
    Device,
    /// Whatever hangs on the other end.
    Outside,
}

/// The line, with what has not been received from it.
#[derive(Clone, Debug, Default)]
pub struct Rs485(Vec<OnLine>);

#[derive(Clone, Copy, Debug)]
struct OnLine {
    start: Uptime,
    end: Uptime,
    by: End,
    byte: u8,
    /// The other end drove the line meanwhile.
    is_spoilt: bool,
}

impl Rs485 {
    /// Puts bytes on the line, one after the other from `now` on, or from when this end is through with those before.
    pub fn send(&mut self, now: Uptime, by: End, bytes: &[u8]) {
        let mut start = self.0.iter().filter(|other| other.by == by).map(|other| other.end).fold(now, Uptime::max);
        for byte in bytes {
            let end = start + Duration::from_nanos(BITS * 1_000_000_000 / BAUD);
            let mut is_spoilt = false;
            for other in self.0.iter_mut().filter(|other| other.by != by && other.start < end && start < other.end) {
                (other.is_spoilt, is_spoilt) = (true, true);
            }
            self.0.push(OnLine { start, end, by, byte: *byte, is_spoilt });
            start = end;
        }
    }

    /// What has come to this end until `now` and was not received before.
    pub fn receive(&mut self, now: Uptime, at: End) -> Vec<u8> {
        let come = |one: &mut OnLine| one.by != at && one.end <= now;
        let mut bytes: Vec<u8> = self.0.extract_if(.., come).filter(|one| !one.is_spoilt).map(|one| one.byte).collect();
        bytes.truncate(FIFO_BYTES);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_us(us: u64) -> Uptime {
        Uptime(us * 1000)
    }

    #[test]
    fn bytes_come_one_after_the_other_in_their_time() {
        let mut line = Rs485::default();
        line.send(at_us(0), End::Outside, b"ab");
        line.send(at_us(0), End::Outside, b"c");
        // 1,041.7 µs each.
        assert_eq!(line.receive(at_us(1041), End::Device), b"");
        assert_eq!(line.receive(at_us(2100), End::Device), b"ab");
        assert_eq!(line.receive(at_us(4000), End::Outside), b"", "nobody hears himself");
        assert_eq!(line.receive(at_us(4000), End::Device), b"c");
        assert_eq!(line.receive(at_us(9000), End::Device), b"", "once");
        line.send(at_us(9000), End::Device, b"d");
        assert_eq!(line.receive(at_us(10_100), End::Outside), b"d");
    }

    #[test]
    fn who_speak_at_once_spoil_each_other_s_bytes() {
        let mut line = Rs485::default();
        line.send(at_us(0), End::Outside, b"abc");
        line.send(at_us(1500), End::Device, b"x");
        assert_eq!(line.receive(at_us(9000), End::Device), b"a");
        assert_eq!(line.receive(at_us(9000), End::Outside), b"");
    }

    #[test]
    fn a_receiver_that_nobody_looks_at_overflows() {
        let mut line = Rs485::default();
        line.send(at_us(0), End::Outside, &[7; 300]);
        assert_eq!(line.receive(at_us(400_000), End::Device), [7; 256]);
        assert_eq!(line.receive(at_us(400_000), End::Device), b"");
    }
}
