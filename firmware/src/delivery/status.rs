//! *Status* of a function (guide §5.3): how it stands with each place that it sends to.

use super::http::HttpAddress;
use super::{Broker, Connection, Delivery};
use crate::configuration::ReportProtocol;

impl Delivery {
    /// Of each URL in its order, or of the broker alone; `None` for what nothing is sent to.
    pub fn status(&self, protocol: &ReportProtocol) -> Vec<Option<Connection>> {
        let broker = Broker::of(protocol).map(|broker| {
            self.mqtt.iter().find(|recipient| *recipient.broker() == broker).map(|recipient| recipient.connection())
        });
        let ReportProtocol::Http { urls } = protocol else { return broker.into_iter().collect() };
        let of_url = |entry| {
            let address = HttpAddress::new(entry);
            self.http.iter().find(|recipient| *recipient.address() == address).map(|recipient| recipient.connection())
        };
        urls.iter().map(|entry| entry.enable.then(|| of_url(entry)).flatten()).collect()
    }
}
