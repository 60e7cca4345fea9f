//! A client of a device's own server: it connects, and is sent what the server has to say.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long to wait for what was sent, in real time. On loopback it is there at once.
const WITHIN: Duration = Duration::from_secs(30);

/// A TCP client on this machine that sends nothing.
#[derive(Debug)]
pub struct Client(TcpStream);

impl Client {
    /// Connects to a server on this machine.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn connect(server: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&server, WITHIN)?;
        stream.set_read_timeout(Some(WITHIN))?;
        Ok(Client(stream))
    }

    /// Waits for so many bytes.
    ///
    /// # Errors
    /// They do not come, or the server closes the connection before.
    pub fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut taken = vec![0; bytes];
        self.0.read_exact(&mut taken)?;
        Ok(taken)
    }
}
