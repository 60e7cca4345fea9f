//! Recipients that functions share: what they say of one must agree.

use super::Configuration;
use super::problem::Problems;
use super::protocol::{NotificationUrl, ReportProtocol};

impl Configuration {
    pub(super) fn check_recipients(&self, problems: &mut Problems) {
        self.check_clients(problems);
        self.check_users(problems);
    }

    /// How the functions that are enabled report, by the names of their settings.
    fn protocols(&self) -> impl Iterator<Item = (&'static str, &ReportProtocol)> {
        let Configuration { region_people_counting, line_crossing_counting, people_flow_analysis, .. } = self;
        let functions = [
            ("region_people_counting", region_people_counting.enable, &region_people_counting.protocol),
            ("line_crossing_counting", line_crossing_counting.enable, &line_crossing_counting.protocol),
            ("people_flow_analysis", people_flow_analysis.enable, &people_flow_analysis.protocol),
        ];
        functions.into_iter().filter(|(_, enable, _)| *enable).map(|(function, _, protocol)| (function, protocol))
    }

    /// A broker has one client of a name, so that two functions that give one must agree in who it is.
    fn check_clients(&self, problems: &mut Problems) {
        let clients: Vec<_> = self
            .protocols()
            .filter_map(|(function, protocol)| match protocol {
                ReportProtocol::Mqtt { host, port, tls, client_id, user_name, password, keep_alive_s, .. } => {
                    Some((function, (host, port, client_id), (tls, user_name, password, keep_alive_s)))
                }
                ReportProtocol::Http { .. } => None,
            })
            .collect();
        for (i, (function, client, who)) in clients.iter().enumerate() {
            if let Some((other, ..)) = clients[..i].iter().find(|(_, same, other)| same == client && other != who) {
                let message = format!(
                    "must differ from that of {other}, or agree with it in tls, user_name, password and keep_alive_s: a broker has one \
                     client of a name"
                );
                let fields = ["host", "port", "client_id", "tls", "user_name", "password", "keep_alive_s"];
                let of = |function: &str| -> Vec<String> {
                    let settings = fields.map(|field| format!("{function}.protocol.{field}"));
                    settings.into_iter().chain([format!("{function}.enable")]).collect()
                };
                let about: Vec<String> = [of(function), of(other)].concat();
                let about: Vec<&str> = about.iter().map(String::as_str).collect();
                problems.add_between(format!("{function}.protocol.client_id"), &about, message);
            }
        }
    }

    /// A server has one user of a name, so that two functions that give one must agree in how it is known. (A decision: what is kept for a
    /// recipient is known by its address and that name.)
    fn check_users(&self, problems: &mut Problems) {
        let entries: Vec<(&str, usize, &NotificationUrl)> = self
            .protocols()
            .flat_map(|(function, protocol)| {
                protocol.urls().iter().enumerate().map(move |(i, entry)| (function, i, entry))
            })
            .filter(|(.., entry)| entry.enable)
            .collect();
        for (n, (function, i, entry)) in entries.iter().enumerate() {
            let differs = |(other, _, it): &&(&str, usize, &NotificationUrl)| {
                let is_same = (&it.url, &it.user_name) == (&entry.url, &entry.user_name);
                let is_known_so = (&it.password, &it.certificate_type) == (&entry.password, &entry.certificate_type);
                other != function && is_same && !is_known_so
            };
            if let Some((other, j, _)) = entries[..n].iter().find(differs) {
                let (this, that) = (format!("{function}.protocol.urls[{i}]"), format!("{other}.protocol.urls[{j}]"));
                let about = [format!("{function}.enable"), format!("{other}.enable"), this.clone(), that.clone()];
                let message = format!(
                    "must agree in password and certificate_type with {that}, which has its url and user_name: a server has one user of \
                     a name"
                );
                problems.add_between(this, &about.each_ref().map(String::as_str), message);
            }
        }
    }
}
