//! The firmware as its surroundings know it: light in, bytes out, a configuration from a person.

mod bench;
mod certificates;
mod clock;
mod configuration_file;
mod configure;
mod exactly_once;
mod http;
mod location_push;
mod maintenance;
mod mqtt;
mod net;
mod privacy;
mod retransmission;
mod snapshot;
mod upgrade;
