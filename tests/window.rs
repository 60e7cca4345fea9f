//! The window as a person uses it: opened on a display in memory, with real keys and clicks. What comes of them is seen in what the program
//! writes itself: screenshots, scenarios, and the layout that it remembers.

// A test's own processes, and how long it waits for them.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenarios::{Happening, Scenario};

mod process;
mod skip;

use process::Running;
use skip::skip;

/// Nothing takes longer, on two cores with a software driver.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where things are in a window of 1280 × 720 points.
const CUT_POWER: (i32, i32) = (1069, 232);
const REACHABLE: (i32, i32) = (1229, 289);
const SENSOR: (u32, u32, u32, u32) = (540, 100, 400, 320);
const ROOM: (u32, u32, u32, u32) = (60, 100, 380, 320);

/// A display in memory with the window on it.
struct Desktop {
    folder: tempfile::TempDir,
    display: String,
    /// Ended before the display.
    twin: Running,
    _xvfb: Running,
}

impl Desktop {
    /// Opens the window on a scenario; `None` where programs for it are missing.
    fn open(arguments: &[&str]) -> Option<Self> {
        let started = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        if started.is_err() || Command::new("xdotool").arg("version").output().is_err() {
            skip("the window is not tested without Xvfb and xdotool: apt-get install xvfb xdotool");
            return None;
        }
        let mut xvfb = Running(started.expect("it was started"));
        let mut number = String::new();
        BufReader::new(xvfb.0.stdout.take().expect("piped")).read_line(&mut number).expect("Xvfb tells its display");
        let display = format!(":{}", number.trim());
        let folder = tempfile::tempdir().expect("a folder");
        let twin = Command::new(env!("CARGO_BIN_EXE_twin"))
            .arg("view")
            .args(arguments)
            .current_dir(folder.path())
            .env("DISPLAY", &display)
            .env("XDG_CONFIG_HOME", folder.path())
            .stderr(Stdio::inherit())
            .spawn();
        let mut desktop = Desktop { folder, display, twin: Running(twin.expect("twin starts")), _xvfb: xvfb };
        desktop.until("the window is there and has the keyboard", |desktop| {
            desktop.xdotool(&["search", "--onlyvisible", "--name", "^twin", "windowfocus"]).then_some(())
        });
        Some(desktop)
    }

    fn xdotool(&self, arguments: &[&str]) -> bool {
        let done = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output();
        done.expect("xdotool starts").status.success()
    }

    fn key(&self, key: &str) {
        assert!(self.xdotool(&["key", key]), "{key} is pressed");
    }

    fn click(&self, (x, y): (i32, i32)) {
        let (x, y) = (x.to_string(), y.to_string());
        // A button is pressed that was pointed at before.
        assert!(self.xdotool(&["mousemove", &x, &y, "sleep", "0.2", "mousedown", "1", "sleep", "0.1", "mouseup", "1"]));
    }

    /// Waits until something can be had.
    #[track_caller]
    fn until<T>(&mut self, what: &str, mut try_it: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(got) = try_it(self) {
                return got;
            }
            let ended = self.twin.0.try_wait().expect("twin can be asked");
            assert!(ended.is_none(), "twin ended before {what}: {ended:?}");
            assert!(begun.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path()).expect("a folder").map(|file| file.expect("a file").path());
        files.filter(|path| path.extension().is_some_and(|its| its == ending)).collect()
    }

    /// A picture of the window, by the program itself.
    fn screenshot(&mut self) -> image::RgbImage {
        let before = self.files("png").len();
        self.key("F12");
        self.until("a screenshot is there", |desktop| {
            let files = desktop.files("png");
            // One that is being written cannot be read yet.
            let pictures = files.iter().filter_map(|file| Some(image::open(file).ok()?.into_rgb8()));
            let mut pictures: Vec<image::RgbImage> = pictures.collect();
            (pictures.len() > before).then(|| pictures.pop()).flatten()
        })
    }

    /// The run up to now as the program saves it, under the name that it proposes.
    fn saved(&mut self) -> (PathBuf, Scenario) {
        let before = self.files("ron");
        self.key("s");
        self.until("a scenario is saved", |desktop| {
            // What asks for the name may not be there yet.
            desktop.key("Return");
            let new = desktop.files("ron").into_iter().find(|path| !before.contains(path))?;
            let scenario = Scenario::read(&new).ok()?;
            Some((new, scenario))
        })
    }

    /// Does something until something of this kind has happened: a window that is just being drawn may not hear the first time.
    #[track_caller]
    fn makes(&mut self, does: impl Fn(&Self), what: &str, is_it: impl Fn(&Happening) -> bool) {
        const LOOKS: usize = 5;
        self.until(what, |desktop| {
            does(desktop);
            let mut happened = |_| desktop.saved().1.timeline.iter().any(|event| is_it(&event.event));
            (0..LOOKS).any(&mut happened).then_some(())
        });
    }
}

/// How many shades of green there are in a part of a picture.
fn shades(picture: &image::RgbImage, (x, y, width, height): (u32, u32, u32, u32)) -> usize {
    let part = image::imageops::crop_imm(picture, x, y, width, height).to_image();
    let mut seen: Vec<u8> = part.pixels().map(|pixel| pixel.0[1]).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

#[test]
fn keys_and_clicks_do_what_they_say_and_the_run_can_be_saved() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library/meeting-room.ron");
    let Some(mut desktop) = Desktop::open(&[&library.display().to_string()]) else { return };
    desktop.until("the sensor's picture and the room are there", |desktop| {
        let picture = desktop.screenshot();
        assert_eq!((picture.width(), picture.height()), (1280, 720));
        (shades(&picture, SENSOR) > 60 && shades(&picture, ROOM) > 60).then_some(())
    });

    let cut = |event: &Happening| matches!(event, Happening::PowerCut { source: None, .. });
    desktop.makes(|desktop| desktop.click(CUT_POWER), "the power is cut", cut);
    desktop.makes(|desktop| desktop.key("p"), "the power is back", |event| matches!(event, Happening::PowerOn));
    desktop.makes(|desktop| desktop.key("d"), "DI is pressed", |event| matches!(event, Happening::PressDi { .. }));
    let fault = |event: &Happening| matches!(event, Happening::NetworkFault { .. });
    desktop.makes(|desktop| desktop.click(REACHABLE), "the recipient cannot be reached", fault);
    let (saved, scenario) = desktop.saved();
    let times: Vec<f64> = scenario.timeline.iter().map(|event| event.at_s).collect();
    assert!(times.len() >= 4 && times.is_sorted(), "one after the other: {times:?}");

    // A layer more, and a step faster: it is remembered.
    desktop.key("1");
    desktop.key("equal");
    let layout = desktop.folder.path().join("twin/view.json");
    desktop.until("the layout is remembered", |_| {
        let layout: serde_json::Value = serde_json::from_str(&fs::read_to_string(&layout).ok()?).ok()?;
        let layers = layout["layers"].as_array()?;
        (layers.iter().any(|layer| layer == "Detections") && layout["speed"] == 2.0).then_some(())
    });

    // What was done by hand is a scenario like any other.
    let run = Command::new(env!("CARGO_BIN_EXE_twin"))
        .args(["run", "--lane", "oracle", "--out", "kept"])
        .arg(&saved)
        .current_dir(desktop.folder.path())
        .output()
        .expect("twin starts");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert_eq!(run.status.code(), Some(1), "there is no golden file yet, and that is all: {said}");
    let transcript = desktop.folder.path().join("kept").join(saved.file_stem().unwrap()).join("transcript.txt");
    let transcript = fs::read_to_string(transcript).expect("a transcript");
    assert!(transcript.contains("hardware: the power is cut"), "{transcript}");
}

#[test]
fn without_display_or_graphics_driver_it_is_said_what_is_missing() {
    let view = |environment: &[(&str, &str)], display: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twin"));
        command.arg("view").env_remove("DISPLAY").envs(environment.iter().copied());
        display.into_iter().for_each(|display| {
            command.env("DISPLAY", display);
        });
        let output = command.output().expect("twin starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = view(&[], None);
    assert!(code == Some(2) && said.contains("DISPLAY is not set"), "{code:?}: {said}");
    let (code, said) = view(&[], Some(":987"));
    assert!(code == Some(2) && said.contains("failed to open the display :987"), "{code:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");

    let Some(desktop) = Desktop::open(&["--lane", "oracle"]) else { return };
    let none = [("VK_DRIVER_FILES", "/no/such/driver.json"), ("VK_ICD_FILENAMES", "/no/such/driver.json")];
    let (code, said) = view(&none, Some(&desktop.display));
    assert!(code == Some(2) && said.contains("apt-get install mesa-vulkan-drivers"), "{code:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
}
