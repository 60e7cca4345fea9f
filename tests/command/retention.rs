//! What a device keeps of an outage (guide §5.3.4, *Data Retransmission*): 1,000 reports for one recipient, and 3,000 in all.

use std::collections::BTreeMap;

use crate::bench::{Bench, arrivals};

/// Seconds between reports.
const INTERVAL_S: usize = 5;

const EMPTY_ROOM: &str = "(room: (size_m: (4.0, 4.0), ceiling_m: 3.0), light: (lux: 300, diffuse_share: 1.0))";

/// Nobody can be reached until so many reports were made for each recipient; then no more are made, and what was kept arrives. Up to three
/// recipients get theirs by HTTP, a fourth by MQTT.
struct Outage {
    reports: usize,
    recipients: usize,
    /// Whether the power is cut between the last report and the end of the outage.
    power_cut: bool,
}

impl Outage {
    fn scenario(&self) -> String {
        let urls: Vec<String> =
            (1..=self.recipients.min(3)).map(|url| format!("(url: \"http://192.168.0.9:80/{url}\")")).collect();
        let by_mqtt = self.recipients > 3;
        let configuration = |regularly: &str| {
            format!(
                "(
                    device: (name: \"Store\", sn: \"369362028335\", mac: \"00:16:28:FA:8E:68\", ip_address: \"192.168.0.99\"),
                    general: (data_retransmission: true),
                    region_people_counting: (report_regularly: {regularly}, protocol: Http(urls: [{}])),
                    line_crossing_counting: (
                        enable: {by_mqtt},
                        report_regularly: {regularly},
                        line: [(0.5, 0.8), (0.5, 0.2)],
                        protocol: Mqtt(host: \"192.168.0.8\", port: 1883, client_id: \"store\", topic: \"4\", qos: 2),
                    ),
                )",
                urls.join(", ")
            )
        };
        // After its power is back, the device takes 20 s to start, and another interval until the next report.
        let last_s = INTERVAL_S * self.reports;
        let power = format!("(at_s: {}, event: PowerCut()), (at_s: {}, event: PowerOn),", last_s + 1, last_s + 2);
        let (power, end_s) = if self.power_cut { (power.as_str(), last_s + 24) } else { ("", last_s + 2) };
        let each = |event: &dyn Fn(&str) -> String| ["192.168.0.9:80", "192.168.0.8:1883"].map(event).concat();
        let fails = each(&|to| format!("(at_s: 0.5, event: NetworkFault(recipient: \"{to}\", fault: Refuses)),"));
        let returns = each(&|to| format!("(at_s: {end_s}, event: NetworkRestored(recipient: \"{to}\")),"));
        format!(
            "(
                scene: \"empty.ron\",
                seed: 1,
                duration_s: {},
                device: (
                    profile: \"vs121-p-standard\",
                    at_m: (2.0, 2.0),
                    clock: \"2026-03-02T08:00:00Z\",
                    configuration: {},
                ),
                recipients: [(kind: Http, address: \"192.168.0.9:80\"), (kind: Mqtt, address: \"192.168.0.8:1883\")],
                timeline: [{fails} {power} (at_s: {end_s}, event: Configure({})), {returns}],
            )",
            // It tries again every minute.
            end_s + 61,
            configuration(&format!("FromNowOn(interval_s: {INTERVAL_S})")),
            configuration("Off"),
        )
    }

    /// The numbers of the reports that arrive at each recipient, in order.
    fn arrivals(&self) -> BTreeMap<String, Vec<usize>> {
        let bench = Bench::new();
        bench.put("empty.ron", EMPTY_ROOM).put("outage.ron", &self.scenario());
        // There is no golden file of thousands of reports.
        bench.oracle(&["outage.ron", "--out", "kept", "--json", "verdict.json"]).exits(1);
        let mut arrived: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (to, document) in arrivals(&bench.path("kept/outage")) {
            let time = document["time_info"]["end_time"].as_str().expect("a time");
            let (_, clock) = time.split_once(' ').expect("a date and a time");
            let units = clock.split(':').map(|unit| unit.parse::<usize>().expect("a number"));
            let since_midnight_s = units.fold(0, |sum, unit| 60 * sum + unit);
            arrived.entry(to).or_default().push((since_midnight_s - 8 * 3600) / INTERVAL_S);
        }
        let lost = self.recipients * self.reports - arrived.values().map(Vec::len).sum::<usize>();
        let said = &bench.json("verdict.json")["scenarios"][0]["reports"]["dropped"];
        assert_eq!(*said, lost, "the device counts what it gave up");
        arrived
    }

    /// All `recipients` got these, once and in order.
    #[track_caller]
    fn ends_with(&self, numbers: std::ops::RangeInclusive<usize>) {
        let arrived = self.arrivals();
        assert_eq!(arrived.len(), self.recipients, "{:?}", arrived.keys());
        for (to, got) in arrived {
            assert_eq!(got, Vec::from_iter(numbers.clone()), "{to}, power cut: {}", self.power_cut);
        }
    }
}

#[test]
fn of_an_outage_one_recipient_gets_the_newest_thousand_in_order_and_once() {
    for power_cut in [false, true] {
        Outage { reports: 1000, recipients: 1, power_cut }.ends_with(1..=1000);
        Outage { reports: 1007, recipients: 1, power_cut }.ends_with(8..=1007);
    }
}

#[test]
fn of_an_outage_all_recipients_together_get_the_newest_three_thousand() {
    for power_cut in [false, true] {
        Outage { reports: 1000, recipients: 3, power_cut }.ends_with(1..=1000);
        // Whosever is the oldest goes: of four that miss as many, as many of each.
        Outage { reports: 800, recipients: 4, power_cut }.ends_with(51..=800);
    }
}
