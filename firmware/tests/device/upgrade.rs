//! Upgrades: what is tried, what stays, and what the device goes back from.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firmware::{AccountCommand, Command, CommandError, Configuration, PROGRAM, PrivacyMode, UpgradeError};
use firmware_shim::RtcTime;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::bench::{Bench, NobodyThere};

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("any 32 bytes are a key")
}

/// What the bench's device knows its maker by.
pub fn upgrade_key() -> [u8; 32] {
    key(1).public_key().as_ref().try_into().expect("32 bytes")
}

/// A package, signed by whose key has this seed.
fn package(model: &str, version: &str, payload: &[u8], seed: u8) -> Vec<u8> {
    let sha256: String = digest(&SHA256, payload).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!(
        r#"{{"model":"{model}","software_version":"{version}","payload_bytes":{},"payload_sha256":"{sha256}"}}"#,
        payload.len()
    );
    let signature = STANDARD.encode(key(seed).sign(manifest.as_bytes()));
    let mut file = format!("workplace-sensor upgrade 1\n{manifest}\n{signature}\n").into_bytes();
    file.extend(payload);
    file
}

fn program(version: &str) -> Vec<u8> {
    package("VS121-P", version, &[PROGRAM, &[7; 100_000]].concat(), 1)
}

fn bench() -> Bench<NobodyThere> {
    let mut configuration = Configuration::default();
    configuration.device.name = "Lobby".to_owned();
    Bench::new(configuration, NobodyThere)
}

fn upgrade(bench: &mut Bench<NobodyThere>, file: Vec<u8>, reset_after: bool) {
    bench.command(Command::Upgrade { file, reset_after });
}

fn version(bench: &Bench<NobodyThere>) -> String {
    bench.firmware.information().software_version
}

fn words(bench: &Bench<NobodyThere>) -> Vec<String> {
    bench.transcript().into_iter().filter(|line| line.contains("upgrade") || line.contains("come up")).collect()
}

const FACTORY: &str = "31.7.0.78-iot2";

#[test]
fn what_comes_up_stays_and_the_settings_with_it() {
    let mut bench = bench();
    assert_eq!(version(&bench), FACTORY);
    upgrade(&mut bench, program("32.0"), false);
    assert_eq!(version(&bench), "32.0", "it runs at once, on trial");
    bench.run_until_ms(11_000);
    assert_eq!(words(&bench), ["10.000 s upgraded to 32.0"]);
    bench.restarts();
    bench.restarts();
    assert_eq!(version(&bench), "32.0");
    assert_eq!(bench.firmware.information().name, "Lobby");
    // The next goes into the other slot, and the one after that into the first again.
    for next in ["33.0", "34.0"] {
        upgrade(&mut bench, program(next), false);
        bench.run_until_ms(bench.now.0 / 1_000_000 + 11_000);
        bench.restarts();
        assert_eq!(version(&bench), next);
    }
}

#[test]
fn what_does_not_come_up_is_left_for_what_was_there_before() {
    let mut bench = bench();
    upgrade(&mut bench, program("32.0"), false);
    bench.run_until_ms(11_000);
    upgrade(&mut bench, package("VS121-P", "33.0", b"no program", 1), true);
    assert_eq!(version(&bench), "32.0");
    assert_eq!(bench.watchdog_bites, 1);
    assert_eq!(words(&bench)[1..], ["11.000 s 33.0 did not come up: the program before it runs again"]);
    assert_eq!(bench.firmware.information().name, "Lobby", "only what has come up resets");
    bench.restarts();
    assert_eq!((version(&bench).as_str(), words(&bench).len()), ("32.0", 2), "it is said once");
}

#[test]
fn who_loses_power_before_it_has_come_up_is_back_where_it_was() {
    let mut bench = bench();
    upgrade(&mut bench, program("32.0"), false);
    bench.run_until_ms(9_000);
    bench.restarts();
    assert_eq!(version(&bench), FACTORY);
    assert_eq!(words(&bench), ["9.000 s 32.0 did not come up: the program before it runs again"]);
}

#[test]
fn nothing_else_is_tried_before_the_last_has_come_up_and_a_reboot_is_no_failure() {
    let mut bench = bench();
    upgrade(&mut bench, program("32.0"), false);
    bench.run_until_ms(4_000);
    let command = Command::Upgrade { file: program("33.0"), reset_after: false };
    let refused = bench.firmware.command(bench.now, RtcTime(0), command).expect_err("refused");
    assert_eq!(refused, CommandError::Upgrade(UpgradeError::OnTrial));
    bench.command(Command::Reboot);
    assert_eq!(version(&bench), "32.0");
    bench.run_until_ms(15_000);
    assert_eq!(words(&bench), ["14.000 s upgraded to 32.0"]);
}

#[test]
fn reset_after_upgrading_brings_the_factory_s_settings_once_it_has_come_up() {
    let mut bench = bench();
    let password = "a password with 1 digit".to_owned();
    bench.command(Command::Account(AccountCommand::Activate { password, privacy: PrivacyMode::Normal }));
    upgrade(&mut bench, program("32.0"), true);
    bench.run_until_ms(5_000);
    assert_eq!(bench.firmware.information().name, "Lobby");
    bench.run_until_ms(11_000);
    assert_ne!(bench.firmware.information().name, "Lobby");
    assert_eq!((version(&bench).as_str(), bench.firmware.privacy_mode()), ("32.0", None));
}

#[test]
fn a_package_is_the_maker_s_whole_and_for_this_model_or_refused() {
    let mut bench = bench();
    let mut refusal = |file: Vec<u8>| {
        let command = Command::Upgrade { file, reset_after: false };
        let refused = bench.firmware.command(bench.now, RtcTime(0), command).expect_err("refused");
        assert!(matches!(refused, CommandError::Upgrade(_)));
        refused.to_string()
    };
    let good = program("32.0");
    let changed = |at: usize| {
        let mut file = good.clone();
        file[at] ^= 1;
        file
    };
    let manifest_at = good.iter().position(|byte| *byte == b'\n').expect("lines") + 5;
    let signature = "the package is not signed by the maker, or was changed since";
    assert_eq!(refusal(vec![]), "the file is no upgrade package: it begins with something else");
    assert_eq!(refusal(b"workplace-sensor upgrade 1".to_vec()), "the file is no upgrade package: it has no manifest");
    assert_eq!(refusal(changed(0)), "the file is no upgrade package: it begins with something else");
    assert_eq!(refusal(changed(manifest_at)), signature);
    assert_eq!(refusal(package("VS121-P", "32.0", PROGRAM, 2)), signature);
    assert_eq!(refusal(changed(good.len() - 1)), "the package is damaged: its SHA-256 is another");
    let half = refusal(good[..good.len() / 2].to_vec());
    assert!(half.starts_with("the package is damaged: ") && half.ends_with(" bytes are there"), "{half}");
    assert_eq!(refusal(package("VS125-P", "32.0", PROGRAM, 1)), "the package is for a VS125-P");
    for version in ["", "\\u0007", &"x".repeat(65)] {
        let words = refusal(package("VS121-P", version, PROGRAM, 1));
        assert_eq!(words, "the file is no upgrade package: its software_version is not 1 to 64 bytes of text");
    }
    let large = UpgradeError::TooLarge { bytes: 0, max: 13 * 64 * 1024 - 4 }.to_string();
    let (_, room) = large.split_once("there is room for ").expect("words");
    assert!(refusal(package("VS121-P", "32.0", &[0; 900_000], 1)).ends_with(room));
    assert_eq!(bench.firmware.information().software_version, FACTORY);
}
