//! What a device keeps of an outage (guide §5.3.4, *Data Retransmission*): 1,000 reports for one recipient, and 3,000 in all.
//!
//! The same is run once with nothing in the way, where the ground truth judges what is reported; of an outage, the very same documents arrive.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::bench::{Bench, arrivals};

/// Seconds between reports.
const INTERVAL_S: usize = 5;

/// The most that any of the outages has.
const REPORTS_MAX: usize = 1007;

/// People pass through both ways for an hour, which is as long as crowds come.
const ROOM: &str = "(
    room: (size_m: (4.0, 4.0), ceiling_m: 3.0),
    light: (lux: 300, diffuse_share: 1.0),
    crowds: [(
        name: \"passer\",
        enters_m: [(0.4, 2.0), (3.6, 2.0)],
        leaves_m: [(0.4, 2.0), (3.6, 2.0)],
        per_minute: 3,
        until_s: 3600,
    )],
)";

/// So many reports are made for each recipient, and then no more. Up to three recipients get the counts by HTTP, a fourth the crossings by MQTT.
struct Run {
    reports: usize,
    recipients: usize,
    /// Nobody can be reached until all reports are made; what was kept arrives then.
    outage: bool,
    /// Whether the power is cut between the last report and the end of the outage.
    power_cut: bool,
}

/// What arrives, by recipient and in order: the report's number, and the document.
type Arrived = BTreeMap<String, Vec<(usize, Value)>>;

impl Run {
    fn scenario(&self) -> String {
        let urls: Vec<String> =
            (1..=self.recipients.min(3)).map(|url| format!("(url: \"http://192.168.0.9:80/{url}\")")).collect();
        let by_mqtt = self.recipients > 3;
        let configuration = |regularly: &str| {
            format!(
                "(
                    device: (name: \"Store\", ip_address: \"192.168.0.99\"),
                    general: (data_retransmission: true),
                    region_people_counting: (report_regularly: {regularly}, protocol: Http(urls: [{}])),
                    line_crossing_counting: (
                        enable: {by_mqtt},
                        report_regularly: {regularly},
                        line: [(0.5, 0.9), (0.5, 0.1)],
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
        let each = |event: &dyn Fn(&str) -> String| match self.outage {
            true => ["192.168.0.9:80", "192.168.0.8:1883"].map(event).concat(),
            false => String::new(),
        };
        let fails = each(&|to| format!("(at_s: 0.5, event: NetworkFault(recipient: \"{to}\", fault: Refuses)),"));
        let returns = each(&|to| format!("(at_s: {end_s}, event: NetworkRestored(recipient: \"{to}\")),"));
        // Reports that come late are compared with those that came in time, which the truth judges.
        let expect = if self.outage { "" } else { "TotalsAreTrue(lag_s: 4), CrossingsAreTrue()" };
        format!(
            "(
                scene: \"room.ron\",
                seed: 1,
                duration_s: {},
                golden_file: false,
                device: (
                    profile: \"vs121-p-standard\",
                    at_m: (2.0, 2.0),
                    clock: \"2026-03-02T08:00:00Z\",
                    configuration: {},
                ),
                recipients: [(kind: Http, address: \"192.168.0.9:80\"), (kind: Mqtt, address: \"192.168.0.8:1883\")],
                timeline: [{fails} {power} (at_s: {end_s}, event: Configure({})), {returns}],
                expect: [Reports(at_least: 1), {expect}],
            )",
            // It tries again every minute.
            end_s + 61,
            configuration(&format!("FromNowOn(interval_s: {INTERVAL_S})")),
            configuration("Off"),
        )
    }

    fn arrivals(&self) -> Arrived {
        let bench = Bench::new();
        bench.put("room.ron", ROOM).put("run.ron", &self.scenario());
        bench.oracle(&["run.ron", "--out", "kept", "--json", "verdict.json"]).exits(0);
        let mut arrived = Arrived::new();
        for (to, document) in arrivals(&bench.path("kept/run")) {
            let time = document["time_info"]["end_time"].as_str().expect("a time");
            let (_, clock) = time.split_once(' ').expect("a date and a time");
            let units = clock.split(':').map(|unit| unit.parse::<usize>().expect("a number"));
            let since_midnight_s = units.fold(0, |sum, unit| 60 * sum + unit);
            let number = (since_midnight_s - 8 * 3600) / INTERVAL_S;
            arrived.entry(to).or_default().push((number, document));
        }
        let lost = self.recipients * self.reports - arrived.values().map(Vec::len).sum::<usize>();
        let said = &bench.json("verdict.json")["scenarios"][0]["reports"]["dropped"];
        assert_eq!(*said, lost, "the device counts what it gave up");
        arrived
    }

    /// All `recipients` get these, once, in order, and as they are.
    #[track_caller]
    fn ends_with(&self, numbers: std::ops::RangeInclusive<usize>) {
        let arrived = self.arrivals();
        assert_eq!(arrived.len(), self.recipients, "{:?}", arrived.keys());
        for (to, got) in arrived {
            let wanted = &in_time()[&to][numbers.start() - 1..*numbers.end()];
            let got_numbers: Vec<usize> = got.iter().map(|(number, _)| *number).collect();
            assert_eq!(got_numbers, Vec::from_iter(numbers.clone()), "{to}, power cut: {}", self.power_cut);
            assert!(got == wanted, "{to}, power cut: {}: not what was counted", self.power_cut);
        }
    }
}

/// What arrives with nothing in the way; the run holds it against the truth.
fn in_time() -> &'static Arrived {
    static IN_TIME: OnceLock<Arrived> = OnceLock::new();
    IN_TIME.get_or_init(|| {
        let arrived = Run { reports: REPORTS_MAX, recipients: 4, outage: false, power_cut: false }.arrivals();
        // Reports that are all alike would show nothing.
        for (to, reports) in &arrived {
            let number = if to.starts_with("MQTT") { "/total_data/in_cumulative_counted" } else { "/current_total" };
            let others = reports.windows(2).filter(|pair| pair[0].1.pointer(number) != pair[1].1.pointer(number));
            assert!(others.count() > 50, "{to}: {}", reports[0].1);
        }
        arrived
    })
}

#[test]
fn of_an_outage_one_recipient_gets_the_newest_thousand_in_order_and_once() {
    for power_cut in [false, true] {
        Run { reports: 1000, recipients: 1, outage: true, power_cut }.ends_with(1..=1000);
        Run { reports: REPORTS_MAX, recipients: 1, outage: true, power_cut }.ends_with(8..=REPORTS_MAX);
    }
}

#[test]
fn of_an_outage_all_recipients_together_get_the_newest_three_thousand() {
    for power_cut in [false, true] {
        Run { reports: 1000, recipients: 3, outage: true, power_cut }.ends_with(1..=1000);
        // Whosever is the oldest goes: of four that miss as many, as many of each.
        Run { reports: 800, recipients: 4, outage: true, power_cut }.ends_with(51..=800);
    }
}
