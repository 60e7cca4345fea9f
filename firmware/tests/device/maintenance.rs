//! Export and import, reset and restart (guide §2.3, §5.4).

use std::net::Ipv4Addr;

use firmware::{
    AccountCommand, AccountError, Answer, Command, CommandError, Configuration, Connection, ConnectionState,
    Diagnostic, Function, PrivacyMode, Query, RegionPassages, SecurityQuestion,
};
use firmware_shim::{FLASH_BLOCK_BYTES, FlashOp, Uptime};

use crate::bench::{Bench, MAC, NobodyThere, SN, firmware_on, nothing, perform};

fn settings() -> Configuration {
    let text = r#"(
        device: (name: "Lobby", ip_address: "10.0.0.9"),
        region_people_counting: (report_regularly: FromNowOn(interval_s: 30)),
    )"#;
    ron_file::RonFile::embedded("settings", text.to_owned()).parse().expect("settings without mistakes")
}

fn bench() -> Bench<NobodyThere> {
    let mut bench = Bench::new(settings(), NobodyThere);
    bench.run_until_ms(2_000);
    bench
}

#[test]
fn what_was_exported_can_be_imported_and_outlasts_the_power() {
    let mut bench = bench();
    let file = bench.firmware.configuration().export();
    bench.configure(Configuration::default());
    bench.command(Command::Import(file.replace("Lobby", "Hall")));
    let mut expected = settings();
    expected.device.name = "Hall".to_owned();
    assert_eq!(*bench.firmware.configuration(), expected);
    bench.restarts();
    assert_eq!(*bench.firmware.configuration(), expected);
}

#[test]
fn what_a_person_asks_is_answered_until_the_device_starts_anew() {
    let mut bench = bench();
    let ask = |bench: &Bench<NobodyThere>, query| bench.firmware.ask(query);
    assert_eq!(ask(&bench, Query::Export), Ok(Answer::Export(settings().export())));
    let Ok(Answer::Information(told)) = ask(&bench, Query::Information) else { panic!("no information") };
    assert_eq!((told.name.as_str(), told.sn.as_str(), told.mac.as_str()), ("Lobby", SN, MAC));
    assert_eq!(ask(&bench, Query::RegionTotals), Ok(Answer::RegionTotals(vec![RegionPassages::default()])));

    let refused = |error| Err(CommandError::Account(error));
    assert_eq!(ask(&bench, Query::SecurityQuestions), refused(AccountError::NotActive));
    let (password, privacy) = ("s3cretary".to_owned(), PrivacyMode::Blur);
    bench.command(Command::Account(AccountCommand::Activate { password: password.clone(), privacy }));
    assert_eq!(ask(&bench, Query::SecurityQuestions), refused(AccountError::NoQuestions));
    let question = |question: &str| SecurityQuestion { question: question.into(), answer: "yes".into() };
    let questions = ["one?", "two?", "three?"];
    let set = AccountCommand::SetSecurityQuestions { password, questions: questions.map(question) };
    bench.command(Command::Account(set));
    let asked = Answer::SecurityQuestions(questions.map(str::to_owned));
    assert_eq!(ask(&bench, Query::SecurityQuestions), Ok(asked));

    let rtc = firmware_shim::RtcTime(0);
    bench.firmware.command(bench.now, rtc, Command::Reboot).expect("it may");
    assert_eq!(ask(&bench, Query::Information), Err(CommandError::Restarting));
}

#[test]
fn the_status_of_a_function_is_told_address_by_address() {
    let settings = |text: &str| -> Configuration {
        let text = format!("(region_people_counting: (report_regularly: FromNowOn(interval_s: 5), {text}))");
        ron_file::RonFile::embedded("settings", text).parse().expect("settings without mistakes")
    };
    let status = |text: &str| {
        let mut bench = Bench::new(settings(text), NobodyThere);
        bench.run_until_ms(6_000);
        let told = bench.firmware.ask(Query::Connections(Function::RegionPeopleCounting));
        let Ok(Answer::Connections(told)) = told else { panic!("no status: {told:?}") };
        let is_down = |it: &Connection| matches!(it.state, ConnectionState::Down { .. });
        told.iter().map(|it| it.as_ref().map(is_down)).collect::<Vec<_>>()
    };
    let two = r#"protocol: Http(urls: [(enable: false, url: "http://a/"), (url: "http://b/")])"#;
    assert_eq!(status(two), [None, Some(true)]);
    assert_eq!(status(r#"protocol: Mqtt(host: "b", client_id: "c", topic: "t")"#), [Some(true)]);
    assert_eq!(status(&format!("enable: false, {two}")), [None, None], "nothing is sent");
}

#[test]
fn a_file_with_mistakes_changes_nothing() {
    let mut bench = bench();
    let file = bench.firmware.configuration().export().replace("10.0.0.9", "10.0.0").replace("Lobby", "");
    let rtc = firmware_shim::RtcTime(0);
    let refused = bench.firmware.command(bench.now, rtc, Command::Import(file)).expect_err("two mistakes");
    let words = refused.to_string();
    assert!(words.contains("device.ip_address: ") && words.contains("device.name: must be 1 to 64 bytes"), "{words}");
    assert_eq!(*bench.firmware.configuration(), settings());
}

#[test]
fn nothing_that_is_imported_or_reset_makes_it_another_device() {
    let mut bench = bench();
    let of = |bench: &Bench<NobodyThere>| {
        let information = bench.firmware.information();
        (information.sn, information.mac)
    };
    let reported = |bench: &Bench<NobodyThere>| bench.documents().last().cloned().expect("a report");
    let file = bench.firmware.configuration().export();
    assert!(!file.contains(SN) && !file.contains(MAC), "{file}");
    assert_eq!(of(&bench), (SN.to_owned(), MAC.to_owned()));
    bench.command(Command::Import(r#"{"version": 1, "configuration": {}}"#.to_owned()));
    bench.run_until_ms(15_000);
    for what in [SN, MAC] {
        assert!(reported(&bench).contains(what), "{}", reported(&bench));
    }
    let anothers =
        file.replace("\"name\": \"Lobby\"", "\"name\": \"Lobby\", \"sn\": \"1\", \"mac\": \"00:00:00:00:00:01\"");
    let refused = bench.firmware.command(bench.now, firmware_shim::RtcTime(0), Command::Import(anothers));
    let words = refused.expect_err("another device's").to_string();
    assert!(
        words.contains("device.sn: is the device's own") && words.contains("device.mac: is the device's own"),
        "{words}"
    );
    bench.command(Command::Reset { keep_ip: false, keep_users: false });
    assert_eq!(of(&bench), (SN.to_owned(), MAC.to_owned()));
}

#[test]
fn a_reset_keeps_the_address_if_asked() {
    for keep_ip in [false, true] {
        let mut bench = bench();
        bench.command(Command::Reset { keep_ip, keep_users: false });
        let device = &bench.firmware.configuration().device;
        let factory = Configuration::default().device;
        assert_eq!(device.name, factory.name);
        assert_eq!(device.ip_address, if keep_ip { Ipv4Addr::new(10, 0, 0, 9) } else { factory.ip_address });
        let counting = &bench.firmware.configuration().region_people_counting;
        assert_eq!(*counting, Configuration::default().region_people_counting);
    }
}

/// Flash in which the power failed during these operations: each time after so many, and in the middle of the next.
fn cut_short(flash: &[u8], ops: &[FlashOp]) -> Vec<Vec<u8>> {
    let mut cut = Vec::new();
    let mut image = flash.to_vec();
    for op in ops {
        let mut half = image.clone();
        match op {
            FlashOp::Erase { block } => {
                let start = block * FLASH_BLOCK_BYTES;
                half[start..start + FLASH_BLOCK_BYTES / 2].fill(0xFF);
            }
            FlashOp::Program { at, bytes } => {
                let first = bytes[..bytes.len() / 2].to_vec();
                perform(&mut half, &[FlashOp::Program { at: *at, bytes: first }]);
            }
        }
        cut.extend([image.clone(), half]);
        perform(&mut image, std::slice::from_ref(op));
    }
    cut.push(image);
    cut
}

/// What a person finds set on a device with this flash, once it is up; and what it writes for that.
fn found_on(flash: &[u8]) -> ((Configuration, Option<PrivacyMode>), Vec<FlashOp>) {
    let mut firmware = firmware_on(flash);
    let found = (firmware.configuration().clone(), firmware.privacy_mode());
    (found, firmware.step(Uptime::ZERO, nothing()).outputs.flash)
}

#[test]
fn a_reset_is_made_or_not_made_wherever_the_power_fails() {
    let before = (settings(), Some(PrivacyMode::Blur));
    let after = (Configuration::default(), None);
    let mut bench = bench();
    bench.command(Command::Account(AccountCommand::Activate {
        password: "s3cretary".into(),
        privacy: PrivacyMode::Blur,
    }));
    // At first, and when the room that there is has been gone through, so that the reset has to make some.
    let mut has_erased = false;
    for save in 0..60 {
        let mut firmware = firmware_on(bench.flash());
        firmware.step(Uptime::ZERO, nothing());
        let reset = Command::Reset { keep_ip: false, keep_users: false };
        firmware.command(Uptime::ZERO, nothing().rtc, reset).expect("reset");
        let ops = firmware.step(Uptime::ZERO, nothing()).outputs.flash;
        let is_erasing = ops.iter().any(|op| matches!(op, FlashOp::Erase { .. }));
        if save == 0 || (is_erasing && !has_erased) {
            let cut = cut_short(bench.flash(), &ops);
            let mut made: Vec<bool> = Vec::new();
            for flash in &cut {
                let (found, repairs) = found_on(flash);
                assert!(found == before || found == after, "half of a reset: {found:?}");
                // Where all of it is left to do, the power fails once more.
                let is_begun = found == after && made.last() == Some(&false);
                for flash in if is_begun { cut_short(flash, &repairs) } else { vec![] } {
                    assert_eq!(found_on(&flash).0, after);
                }
                made.push(found == after);
            }
            assert!(!made[0] && made[made.len() - 1] && made.is_sorted(), "{made:?}");
            has_erased |= is_erasing;
        }
        bench.configure(Configuration::default());
        bench.configure(settings());
    }
    assert!(has_erased, "no reset had to make room");
}

#[test]
fn the_reset_button_must_be_held_for_more_than_ten_seconds() {
    let mut bench = bench();
    bench.reset_button(true);
    bench.run_until_ms(11_900);
    bench.reset_button(false);
    bench.run_until_ms(13_000);
    assert_eq!(*bench.firmware.configuration(), settings(), "let go too early");
    assert_eq!(bench.led[..4], [(0, true), (2_000, false), (2_250, true), (2_500, false)]);
    bench.reset_button(true);
    bench.run_until_ms(23_100);
    let reset: Vec<u64> =
        bench.said.iter().filter(|(_, said)| *said == Diagnostic::FactoryReset).map(|(at_ms, _)| *at_ms).collect();
    assert_eq!(reset, [23_000]);
    assert_eq!(bench.firmware.configuration().device.name, Configuration::default().device.name);
}

#[test]
fn the_account_outlasts_the_power_and_a_reset_that_keeps_users() {
    let login = || Command::Account(AccountCommand::Login { user_name: "admin".into(), password: "s3cretary".into() });
    let mut bench = bench();
    assert_eq!(bench.firmware.privacy_mode(), None);
    let asked = bench.firmware.ask(Query::SecurityQuestions);
    assert_eq!(asked, Err(CommandError::Account(AccountError::NotActive)));
    bench.command(Command::Account(AccountCommand::Activate {
        password: "s3cretary".into(),
        privacy: PrivacyMode::Blur,
    }));
    bench.restarts();
    assert_eq!(bench.firmware.privacy_mode(), Some(PrivacyMode::Blur));
    bench.command(login());
    bench.command(Command::Reset { keep_ip: false, keep_users: true });
    bench.command(login());
    bench.command(Command::Reset { keep_ip: false, keep_users: false });
    assert_eq!(bench.firmware.privacy_mode(), None, "the mode can be chosen anew");
    let refused = bench.firmware.command(bench.now, firmware_shim::RtcTime(0), login());
    assert_eq!(refused, Err(CommandError::Account(AccountError::NotActive)));
}

#[test]
fn a_reboot_begins_intervals_anew() {
    let mut bench = bench();
    bench.run_until_ms(20_000);
    bench.command(Command::Reboot);
    bench.run_until_ms(49_900);
    assert_eq!(bench.documents().len(), 0);
    bench.run_until_ms(50_100);
    assert_eq!(bench.documents().len(), 1);
    assert_eq!(*bench.firmware.configuration(), settings());
}
