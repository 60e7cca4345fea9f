//! What a person is told about a file with a mistake in it.

use std::collections::BTreeMap;
use std::fs;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_file::{FileErrors, RonFile};
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    name: String,
    size_m: (f64, f64),
    #[serde(default)]
    people: Vec<Person>,
    #[serde(default)]
    lux: Option<Lux>,
    #[serde(default)]
    doors: BTreeMap<String, u8>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Lux(f64);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    height_m: f64,
    #[serde(default)]
    does: Vec<Step>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
enum Step {
    Sit,
    Walk { to: (f64, f64) },
}

fn room(text: &str) -> RonFile {
    RonFile::embedded("room.ron", text)
}

fn told(text: &str) -> String {
    room(text).parse::<Room>().expect_err("the text has a mistake").to_string()
}

const GOOD: &str = r#"// Two people.
(
    name: "meeting",
    size_m: (6, 4.5),
    lux: 300,
    people: [
        (height_m: 1.75, does: [Walk(to: (1, 2)), Sit]),
        (height_m: 1.60),
    ],
    doors: { "left": 1 },
)
"#;

#[test]
fn people_need_write_neither_some_nor_newtypes() {
    let room: Room = room(GOOD).parse().unwrap();
    assert_eq!(room.lux, Some(Lux(300.0)));
    assert_eq!(room.people[0].does, [Step::Walk { to: (1.0, 2.0) }, Step::Sit]);
}

#[test]
fn a_misspelt_field_is_named_with_what_is_near_and_what_is_possible() {
    assert_eq!(
        told(&GOOD.replace("(height_m: 1.60)", "(heigth_m: 1.60)")),
        "room.ron:8:10: people[1].heigth_m: unknown field, did you mean `height_m`? expected either `height_m` or `does`"
    );
    assert_eq!(
        told(&GOOD.replace("lux: 300", "colour: 3")),
        "room.ron:5:5: colour: unknown field; expected one of `name`, `size_m`, `people`, `lux` or `doors`"
    );
    assert_eq!(
        told(&GOOD.replace("to: (1, 2)", "at: (1, 2)")),
        "room.ron:7:38: people[0].does[0].at: unknown field; expected `to`"
    );
}

#[test]
fn a_wrong_unit_is_an_unknown_field() {
    assert_eq!(
        told(&GOOD.replace("height_m: 1.60", "height_cm: 160")),
        "room.ron:8:10: people[1].height_cm: unknown field, did you mean `height_m`? expected either `height_m` or `does`"
    );
}

#[test]
fn a_missing_field_is_shown_where_its_struct_begins() {
    assert_eq!(told(&GOOD.replace("(height_m: 1.60)", "()")), "room.ron:8:9: people[1]: missing field `height_m`");
    assert_eq!(told(&GOOD.replace("    name: \"meeting\",\n", "")), "room.ron:2:1: missing field `name`");
}

#[test]
fn a_field_given_twice_is_said_so() {
    assert_eq!(told(&GOOD.replace("lux: 300", "lux: 300, lux: 200")), "room.ron:5:15: lux: is given twice");
}

#[test]
fn an_unknown_variant_is_named() {
    assert_eq!(
        told(&GOOD.replace("Sit]", "Sti]")),
        "room.ron:7:51: people[0].does[1]: unknown name `Sti`, did you mean `Sit`? expected either `Sit` or `Walk`"
    );
}

#[test]
fn a_variant_with_or_without_brackets_is_shown_as_it_should_be() {
    assert_eq!(
        told(&GOOD.replace("Sit]", "Walk]")),
        "room.ron:7:55: people[0].does[1]: `Walk` needs brackets: expected `Walk(…)`, or `Walk()` with nothing in them"
    );
    assert_eq!(
        told(&GOOD.replace("Sit]", "Sit()]")),
        "room.ron:7:54: people[0].does: `Sit` takes no brackets: expected `Sit` alone"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_quoted() {
    assert_eq!(
        told(&GOOD.replace("1.60", "\"1.60 m, about\"")),
        "room.ron:8:20: people[1].height_m: expected a number, found `\"1.60 m, about\"`"
    );
    assert_eq!(
        told(&GOOD.replace("\"meeting\"", "meeting")),
        "room.ron:3:11: name: expected text in quotes, found `meeting`"
    );
    assert_eq!(
        told(&GOOD.replace("\"left\": 1", "\"left\": 300")),
        "room.ron:10:22: doors.left: number is out of range here"
    );
    assert_eq!(
        told(&GOOD.replace("people: [", "people: (")),
        "room.ron:6:13: people: expected a list `[…]`, found `(`"
    );
}

#[test]
fn broken_syntax_is_shown_where_it_breaks() {
    assert_eq!(
        told(&GOOD.replace("lux: 300,", "lux: 300")),
        "room.ron:6:5: expected a comma or the end of the list, found `people`"
    );
    assert_eq!(told(&GOOD.replace("(6, 4.5)", "(6, 4.5")), "room.ron:5:5: size_m: expected `)`, found `lux`");
    assert_eq!(
        told(&GOOD.replace("\"left\": 1", "\"left\": 1.5")),
        "room.ron:10:23: doors: expected a whole number, found `1.5`"
    );
    assert_eq!(told("(name: \"meeting"), "room.ron:1:8: name: the text ends inside quotes");
    assert_eq!(told(""), "room.ron:1:1: expected `(…)`");
    assert_eq!(told(&format!("{GOOD} more")), "room.ron:12:2: expected the end of the file, found `more`");
}

#[test]
fn a_problem_found_later_is_shown_at_its_field() {
    let file = room(GOOD);
    let problems = vec![
        file.problem("people[0].does[0].to", "is outside the room, expected x in 0 … 6 and y in 0 … 4.5"),
        file.problem("people[1].does", "a person must do something"),
    ];
    assert_eq!(
        FileErrors::check(problems).unwrap_err().to_string(),
        "room.ron:7:42: people[0].does[0].to: is outside the room, expected x in 0 … 6 and y in 0 … 4.5\n\
         room.ron:8:9: people[1].does: a person must do something"
    );
    assert_eq!(FileErrors::check(vec![]), Ok(()));
}

#[test]
fn a_file_that_cannot_be_read_is_told_from_one_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &std::path::Path| {
        let error = RonFile::read(path).unwrap_err();
        assert_eq!(error.file, path.display().to_string());
        (error.line, error.message)
    };
    assert_eq!(told(&folder.path().join("absent.ron")), (None, "no such file".to_owned()));
    assert_eq!(told(folder.path()), (None, "is a folder, expected a RON file".to_owned()));
    let picture = folder.path().join("picture.ron");
    fs::write(&picture, b"(\n  \xff\xd8").unwrap();
    assert_eq!(told(&picture), (Some(2), "is not UTF-8 text, expected a RON file".to_owned()));
    let marked = folder.path().join("marked.ron");
    fs::write(&marked, format!("\u{feff}{GOOD}")).unwrap();
    assert!(RonFile::read(&marked).unwrap().parse::<Room>().is_ok());
}

#[test]
fn no_text_makes_it_panic() {
    let paths = [
        "",
        "people[1].height_m",
        "people[0].does[0].to[1]",
        "doors.left",
        "[",
        "a..b[",
        "people[99999999999999999999]",
    ];
    let judge = |text: String| {
        let file = room(&text);
        if let Err(error) = file.parse::<Room>() {
            assert!(error.line.is_some() && !error.message.is_empty(), "{error:?} in {text}");
        }
        for path in paths {
            let _ = file.problem(path, "is wrong").to_string();
        }
    };
    for (end, _) in GOOD.char_indices() {
        judge(GOOD[..end].to_owned());
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let alphabet: Vec<char> = "()[]{}:,\"'\\/*r#b-+._09 \n\u{e9}\u{1f600}Some".chars().collect();
    for _ in 0..1000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..text.len());
            let new = alphabet[rng.random_range(0..alphabet.len())];
            match rng.random_range(0..3) {
                0 => text[at] = new,
                1 => text.insert(at, new),
                _ => drop(text.remove(at)),
            }
        }
        judge(text.into_iter().collect());
    }
    judge("[".repeat(100_000));
    judge("(people:".repeat(10_000));
}
