//! A time server (SNTP, RFC 5905 section 14) on loopback that speaks the time it is told, not the host's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::net::UdpSocket;
use tokio::sync::watch;

/// Bytes of a request and of an answer.
const PACKET_BYTES: usize = 48;
/// Seconds from 1900, where NTP counts from, to 1970.
const UNIX_EPOCH_S: i128 = 2_208_988_800;

/// What time it is: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Default)]
pub(super) struct Calendar(AtomicI64);

impl Calendar {
    pub fn set(&self, unix_ns: i64) {
        self.0.store(unix_ns, Ordering::SeqCst);
    }
}

/// Answers requests until the wire ends.
pub(super) async fn serve(socket: UdpSocket, calendar: Arc<Calendar>, mut closing: watch::Receiver<bool>) {
    let mut request = [0; 512];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut request) => received,
            _ = closing.changed() => return,
        };
        // Whoever has gone meanwhile is told by the next call; nobody else minds.
        let Ok((length, from)) = received else { continue };
        if let Some(answer) = answer(&request[..length], calendar.0.load(Ordering::SeqCst)) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// The answer to a client's request; none to anything else.
fn answer(request: &[u8], unix_ns: i64) -> Option<[u8; PACKET_BYTES]> {
    const CLIENT: u8 = 3;
    const SERVER: u8 = 4;
    let version = request.first()? >> 3 & 0b111;
    if request.len() < PACKET_BYTES || request[0] & 0b111 != CLIENT || !(1..=4).contains(&version) {
        return None;
    }
    let now = timestamp(unix_ns);
    let mut answer = [0; PACKET_BYTES];
    answer[0] = version << 3 | SERVER;
    // Stratum 1: it has the time itself.
    answer[1] = 1;
    answer[2] = request[2];
    // To a microsecond: 2⁻²⁰ s.
    answer[3] = (-20i8).cast_unsigned();
    answer[12..16].copy_from_slice(b"TWIN");
    answer[16..24].copy_from_slice(&now);
    // When the request was sent by the client's clock: what it knows its answer by.
    answer[24..32].copy_from_slice(&request[40..48]);
    answer[32..40].copy_from_slice(&now);
    answer[40..48].copy_from_slice(&now);
    Some(answer)
}

/// Seconds since 1900 and their fraction, 32 bits each; eras of 136 years are not told apart.
fn timestamp(unix_ns: i64) -> [u8; 8] {
    let ns = i128::from(unix_ns) + UNIX_EPOCH_S * 1_000_000_000;
    ((ns << 32) / 1_000_000_000).rem_euclid(1 << 64).to_be_bytes()[8..].try_into().expect("eight of sixteen bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_the_time_it_was_told() {
        let mut request = [0; 48];
        request[0] = 4 << 3 | 3;
        request[40..48].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        // RFC 868's and RFC 5905's own: 1 January 1970 is 2,208,988,800; half a second is 0x80000000.
        let told = answer(&request, 500_000_000).expect("an answer");
        assert_eq!(told[40..44], 2_208_988_800u32.to_be_bytes());
        assert_eq!(told[44..48], 0x8000_0000u32.to_be_bytes());
        assert_eq!(told[24..32], request[40..48]);
        assert_eq!(told[0], 0b00_100_100);
        // The next era begins on 7 February 2036 at 06:28:16.
        let next_era = answer(&request, 2_085_978_496_000_000_000).expect("an answer");
        assert_eq!(next_era[40..48], [0; 8]);
    }

    #[test]
    fn only_clients_are_answered() {
        assert_eq!(answer(&[], 0), None);
        assert_eq!(answer(&[4 << 3 | 3; 47], 0), None);
        let mut from_server = [0; 48];
        from_server[0] = 4 << 3 | 4;
        assert_eq!(answer(&from_server, 0), None);
    }
}
