//! The clock: by hand, and by a time server.

use firmware::{Command, Configuration, Diagnostic};
use firmware_shim::{ConnId, NetAction, NetEvent, RtcTime, Uptime};

use crate::bench::{Bench, NobodyThere, POWER_ON, Peer};

/// A time server.
enum TimeServer {
    /// Its clock is ahead of the device's first reading plus uptime by so much, nanoseconds.
    AheadBy(i64),
    Silent,
    Says(Vec<u8>),
}

/// A peer with its own idea of the time, and who was asked.
struct Server {
    is: TimeServer,
    /// What the time really is.
    now: Uptime,
    asked: Vec<String>,
    requests: Vec<(ConnId, Vec<u8>)>,
}

impl Server {
    fn new(is: TimeServer) -> Self {
        Server { is, now: Uptime::ZERO, asked: vec![], requests: vec![] }
    }

    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        assert_eq!((request.len(), request[0]), (48, 0b00_100_011), "version 4, a client");
        match &self.is {
            TimeServer::AheadBy(ns) => {
                let unix_ns = i128::from(POWER_ON) + i128::from(self.now.0) + i128::from(*ns);
                let time = (((unix_ns + 2_208_988_800_000_000_000) << 32) / 1_000_000_000).to_be_bytes();
                // Version 4, a server of stratum 2.
                let mut answer = vec![0b00_100_100, 2, 0, 0xEC];
                answer.resize(16, 0);
                // When its own clock was set, what was asked, when that came and when this goes.
                [&time[8..], &request[40..48], &time[8..], &time[8..]].iter().for_each(|part| answer.extend(*part));
                Some(answer)
            }
            TimeServer::Silent => None,
            TimeServer::Says(bytes) => Some(bytes.clone()),
        }
    }
}

impl Peer for Server {
    fn carry_out(&mut self, actions: &[NetAction]) -> Vec<NetEvent> {
        let mut events = Vec::new();
        for action in actions {
            if let NetAction::Ask { conn, host, port, bytes } = action {
                self.asked.push(format!("{host}:{port}"));
                self.requests.push((*conn, bytes.clone()));
                events.extend(self.answer(bytes).map(|bytes| NetEvent::Received { conn: *conn, bytes }));
            }
        }
        events
    }

    fn time_is(&mut self, now: Uptime) {
        self.now = now;
    }
}

fn by_server(more: &str) -> Configuration {
    let text = format!(
        "(clock: (source: Ntp({more})), region_people_counting: (report_regularly: FromNowOn(interval_s: 60)))"
    );
    ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
}

fn told_times<P: Peer>(bench: &Bench<P>) -> Vec<String> {
    let end = |document: String| {
        let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        value["time_info"]["end_time"].as_str().expect("a time").to_owned()
    };
    bench.documents().into_iter().map(end).collect()
}

#[test]
fn a_time_server_sets_the_clock_when_the_device_is_up_and_every_so_many_hours() {
    let mut bench = Bench::new(
        by_server("server: \"time.example\", sync_every_h: 1"),
        Server::new(TimeServer::AheadBy(90_250_000_000)),
    );
    bench.run_until_ms(61_000);
    assert_eq!(bench.peer.asked, ["time.example:123"]);
    assert_eq!(told_times(&bench), ["2022/12/20 10:02:30"]);
    assert_eq!(bench.transcript()[0], "0.000 s the clock is put right by +90.250000 s, as time.example has it");

    // Another hour, and the server is right by a second less.
    bench.peer.is = TimeServer::AheadBy(89_250_000_000);
    bench.run_until_ms(3_661_000);
    assert_eq!(bench.peer.asked.len(), 2);
    let set: Vec<i64> = (bench.said.iter())
        .filter_map(|(_, said)| if let Diagnostic::ClockSet { offset_us, .. } = said { Some(*offset_us) } else { None })
        .collect();
    assert_eq!(set, [90_250_000, -1_000_000]);
    assert_eq!(told_times(&bench).last().map(String::as_str), Some("2022/12/20 11:02:29"));
}

#[test]
fn a_clock_is_put_right_over_decades_and_over_the_end_of_the_era_of_ntp() {
    let far = TimeServer::AheadBy(POWER_ON / 4);
    let mut bench = Bench::new(by_server(""), Server::new(far));
    bench.run_until_ms(60_500);
    assert_eq!(bench.peer.asked, ["pool.ntp.org:123"]);
    assert_eq!(told_times(&bench), ["2036/03/18 00:31:00"]);
}

#[test]
fn a_clock_a_century_off_is_put_right_to_a_year_it_can_be_set_to() {
    // The clock reads 2022, the server 2100: NTP cannot tell 2100 from 1964, and neither can be.
    let mut bench = Bench::new(by_server(""), Server::new(TimeServer::AheadBy(78 * 31_557_600 * 1_000_000_000)));
    bench.run_until_ms(1_000);
    assert!(bench.transcript()[0].contains("its time is out of the years 2000 to 2099"), "{}", bench.transcript()[0]);
    // Seventy years of 365¼ days: 2092, more than 68 years ahead, which NTP takes for 1956.
    let far = TimeServer::AheadBy(70 * 31_557_600 * 1_000_000_000);
    let mut bench = Bench::new(by_server(""), Server::new(far));
    bench.run_until_ms(60_500);
    assert_eq!(told_times(&bench), ["2092/12/19 22:01:00"]);
}

#[test]
fn a_clock_that_jumps_while_a_server_is_asked_is_put_right_all_the_same() {
    let mut bench = Bench::new(by_server(""), Server::new(TimeServer::Silent));
    bench.run_until_ms(3_000);
    let [request] = &bench.peer.requests[..] else { panic!("asked once") };
    bench.peer.is = TimeServer::AheadBy(5_000_000_000);
    let (conn, answer) = (request.0, bench.peer.answer(&request.1).expect("an answer"));
    bench.clock_set_ns = 3_600_000_000_000;
    bench.hears(NetEvent::Received { conn, bytes: answer });
    bench.run_until_ms(60_500);
    let [told] = &told_times(&bench)[..] else { panic!("one report") };
    // Half of the round trip of 3 s is taken to be the way there.
    assert!(told.as_str() >= "2022/12/20 10:01:03" && told.as_str() <= "2022/12/20 10:01:07", "{told}");
}

#[test]
fn what_is_done_at_the_instant_at_which_the_clock_is_set_is_done_by_the_new_time() {
    let mut by_hand = by_server("");
    by_hand.clock = Default::default();
    let mut bench = Bench::new(by_hand.clone(), NobodyThere);
    bench.run_until_ms(2_000);
    bench.firmware.command(bench.now, RtcTime(0), Command::SetClock(RtcTime(1_751_371_200_000_000_000))).expect("set");
    by_hand.device.name = "another".to_owned();
    bench.configure(by_hand);
    bench.run_until_ms(63_000);
    assert!(bench.documents()[0].contains("\"start_time\":\"2025/07/01 12:00:00\""), "{}", bench.documents()[0]);
}

#[test]
fn a_server_that_does_not_tell_the_time_is_asked_less_and_less_often() {
    for (is, failure) in [
        (TimeServer::Silent, "no answer within 10 s"),
        (TimeServer::Says(vec![0x24; 5]), "protocol violated: IncorrectPayload"),
        (TimeServer::Says(vec![0; 48]), "protocol violated: IncorrectOriginTimestamp"),
    ] {
        let mut bench = Bench::new(by_server(""), Server::new(is));
        bench.run_until_ms(120_000);
        let transcript = bench.transcript();
        let failures: Vec<&String> =
            transcript.iter().filter(|line| line.contains("no time from pool.ntp.org")).collect();
        assert!(failures[0].contains(failure), "{}", failures[0]);
        let retries: Vec<&str> = failures.iter().filter_map(|line| line.rsplit("next attempt in ").next()).collect();
        assert_eq!(retries[..3], ["16 s", "32 s", "64 s"]);
        bench.run_until_ms(12 * 3_600_000);
        let transcript = bench.transcript();
        let last = transcript.iter().rfind(|line| line.contains("no time from")).expect("it goes on");
        assert!(last.ends_with("next attempt in 3600 s"), "{last}");
    }
}

#[test]
fn a_person_sets_the_clock_unless_a_server_does() {
    let noon = RtcTime(1_751_371_200_000_000_000);
    let mut by_hand = by_server("");
    by_hand.clock = Default::default();
    let mut bench = Bench::new(by_hand, NobodyThere);
    bench.run_until_ms(30_000);
    bench.command(Command::SetClock(noon));
    bench.run_until_ms(60_500);
    assert_eq!(told_times(&bench), ["2025/07/01 12:00:30"]);
    let refusal = |bench: &mut Bench<NobodyThere>, time| {
        let (now, rtc) = (bench.now, RtcTime(0));
        bench.firmware.command(now, rtc, Command::SetClock(time)).map_err(|error| error.to_string())
    };
    let words = refusal(&mut bench, RtcTime(0));
    assert_eq!(words, Err("clock: must be set to the years 2000 to 2099".to_owned()));
    bench.configure(by_server(""));
    let words = refusal(&mut bench, noon);
    assert_eq!(words, Err("clock: is kept by the time server: choose Manual first".to_owned()));
}

#[test]
fn no_slot_is_reported_a_second_time_when_the_clock_goes_back_while_the_device_starts_anew() {
    let text = "(clock: (source: Manual), region_people_counting: (report_regularly: OnTheDot(interval_min: 5)))";
    let configuration = ron_file::RonFile::embedded("settings", text.to_owned()).parse().expect("no mistakes");
    let mut bench = Bench::new(configuration, NobodyThere);
    let ends = |bench: &Bench<NobodyThere>| -> Vec<String> {
        let end = |document: &String| document.split("end_time\":\"").nth(1).expect("an end")[11..19].to_owned();
        bench.documents().iter().map(end).collect()
    };
    let clock = |since_power_on_s: i64| Command::SetClock(RtcTime(POWER_ON + since_power_on_s * 1_000_000_000));
    bench.command(clock(9 * 60 + 50));
    bench.run_until_ms(20_000);
    assert_eq!(ends(&bench), ["10:10:00"]);
    // It was 70 s ahead.
    bench.restarts();
    bench.command(clock(9 * 60));
    bench.run_until_ms(120_000);
    assert_eq!(ends(&bench), ["10:10:00"], "reported already");
    bench.run_until_ms(400_000);
    assert_eq!(ends(&bench), ["10:10:00", "10:15:00"]);
    // And so it stays, however often it starts.
    bench.restarts();
    bench.restarts();
    bench.command(clock(9 * 60));
    bench.run_until_ms(400_000 + 12 * 60_000);
    assert_eq!(ends(&bench), ["10:10:00", "10:15:00", "10:20:00"]);
}

#[test]
fn a_request_does_not_tell_the_clock_and_an_answer_to_what_could_be_guessed_is_none() {
    let stamp = |request: &[u8]| u64::from_be_bytes(request[40..48].try_into().expect("eight bytes"));
    // What the clock reads when it asks, in seconds since 1900: what another client would have sent.
    let seconds = u64::try_from(POWER_ON / 1_000_000_000).expect("after 1970") + 2_208_988_800;
    let mut bench = Bench::new(by_server(""), Server::new(TimeServer::AheadBy(0)));
    bench.run_until_ms(1_000);
    let first = stamp(&bench.peer.requests[0].1);
    assert!((first >> 32).abs_diff(seconds) > 10, "{first:x} is a time");
    bench.restarts();
    assert_ne!(stamp(&bench.peer.requests[1].1), first, "no two are alike");

    let mut forged =
        Server::new(TimeServer::AheadBy(3_600_000_000_000)).answer(&bench.peer.requests[0].1).expect("one");
    forged[24..32].copy_from_slice(&(seconds << 32).to_be_bytes());
    let mut bench = Bench::new(by_server(""), Server::new(TimeServer::Says(forged)));
    bench.run_until_ms(1_000);
    assert_eq!(
        bench.transcript(),
        ["0.000 s no time from pool.ntp.org: protocol violated: IncorrectOriginTimestamp; next attempt in 16 s"]
    );
}

#[test]
fn no_slot_is_reported_a_second_time_whatever_is_saved_before_the_clock_goes_back() {
    let settings = |zone: &str, regularly: &str| -> Configuration {
        let text = format!(
            "(time_zone: \"{zone}\", clock: (source: Manual), region_people_counting: (report_regularly: {regularly}))"
        );
        ron_file::RonFile::embedded("settings", text).parse().expect("no mistakes")
    };
    let five = || settings("UTC", "OnTheDot(interval_min: 5)");
    let saves: [&[Configuration]; 4] = [
        &[settings("UTC", "OnTheDot(interval_min: 10)"), five()],
        &[settings("UTC", "Off"), five()],
        &[settings("UTC", "FromNowOn(interval_s: 3600)"), five()],
        &[settings("Europe/Berlin", "OnTheDot(interval_min: 5)")],
    ];
    for saved in saves {
        let mut bench = Bench::new(five(), NobodyThere);
        let clock = |since_power_on_s: i64| Command::SetClock(RtcTime(POWER_ON + since_power_on_s * 1_000_000_000));
        bench.command(clock(4 * 60 + 50));
        bench.run_until_ms(20_000);
        assert_eq!(bench.documents().len(), 1);
        saved.iter().for_each(|configuration| bench.configure(configuration.clone()));
        bench.command(clock(4 * 60 + 50));
        bench.run_until_ms(60_000);
        assert_eq!(bench.documents().len(), 1, "10:05 again, after {saved:?}");
        bench.run_until_ms(340_000);
        assert_eq!(bench.documents().len(), 2);
    }
}

#[test]
fn hours_that_end_twice_because_the_clock_went_back_are_reported_once_and_nothing_is_lost() {
    let text = "(
        clock: (source: Manual),
        region_people_counting: (
            report_regularly: OnTheDot(interval_min: 5),
            time_schedule: (tuesday: [\"08:00-10:07\"]),
        ),
    )";
    let mut bench =
        Bench::new(ron_file::RonFile::embedded("settings", text).parse().expect("no mistakes"), NobodyThere);
    let clock = |since_power_on_s: i64| Command::SetClock(RtcTime(POWER_ON + since_power_on_s * 1_000_000_000));
    bench.command(clock(4 * 60 + 50));
    bench.run_until_ms(20_000);
    bench.command(clock(6 * 60 + 50));
    bench.run_until_ms(40_000);
    assert_eq!(told_times(&bench), ["2022/12/20 10:05:00", "2022/12/20 10:07:00"]);
    bench.command(clock(4 * 60));
    bench.people_stand_at(&[(0.5, 0.5)]);
    bench.run_until_ms(280_000);
    assert_eq!(bench.documents().len(), 2, "both were reported already");
    bench.people_stand_at(&[]);
    // A week later they begin again.
    bench.command(clock(7 * 86_400 - 2 * 3600 - 10));
    bench.run_until_ms(280_000 + 311_000);
    assert_eq!(told_times(&bench)[2..], ["2022/12/27 08:05:00"]);
    let report: serde_json::Value = serde_json::from_str(&bench.documents()[2]).expect("JSON");
    let told = (report["time_info"]["start_time"].as_str(), report["Max_counted"].as_u64());
    assert_eq!(told, (Some("2022/12/20 10:04:00"), Some(1)), "what was counted meanwhile is in it");
}

#[test]
fn settings_that_end_the_hours_at_once_make_no_report_of_no_time() {
    let settings = |hours: &str| -> Configuration {
        let text = format!("(region_people_counting: (report_regularly: FromNowOn(interval_s: 10), {hours}))");
        ron_file::RonFile::embedded("settings", text).parse().expect("no mistakes")
    };
    let mut bench = Bench::new(settings(""), NobodyThere);
    bench.run_until_ms(15_000);
    bench.configure(settings("time_schedule: (tuesday: [])"));
    bench.run_until_ms(60_000);
    assert_eq!(told_times(&bench), ["2022/12/20 10:00:10"]);
}
