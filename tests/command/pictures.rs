//! The detector on anybody's pictures.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

const HUDDLE: &str = include_str!("../../scenes/library/huddle-room.ron");

#[test]
fn people_are_found_in_pictures_of_any_size_and_told_in_their_own_pixels() {
    let bench = Bench::new();
    bench.put("own.ron", HUDDLE);
    bench.twin(&["gallery", "--out", "photos", "--main-stream", "--overview", "own.ron"]).exits(0);
    fs::remove_file(bench.path("photos/overview.png")).unwrap();
    bench.put("photos/notes.txt", "not looked at");
    let large = image::open(bench.path("photos/own-main-stream.jpg")).expect("a picture");
    // The same half as large, and with walls beside it that make it wide.
    large.resize(640, 480, image::imageops::FilterType::Triangle).save(bench.path("photos/small.png")).unwrap();
    let mut wide = image::RgbImage::from_pixel(1500, 960, image::Rgb([90, 90, 90]));
    image::imageops::replace(&mut wide, &large.to_rgb8(), 110, 0);
    wide.save(bench.path("wide.bmp")).unwrap();

    bench.twin(&["detect", "photos", "wide.bmp", "--json", "people.json", "--draw", "drawn"]).exits(0);
    let found = bench.json("people.json");
    let pictures = found.as_array().expect("a list");
    let number = |value: &Value| value.as_f64().expect("a number");
    let heads = |i: usize, from_left: f64, scale: f64| -> Vec<(f64, f64)> {
        let people = pictures[i]["people"].as_array().expect("a list");
        let mut heads: Vec<(f64, f64)> = people
            .iter()
            .map(|p| ((number(&p["head"][0]) - from_left) * scale, number(&p["head"][1]) * scale))
            .collect();
        heads.sort_by(|a, b| a.0.total_cmp(&b.0));
        heads
    };
    assert_eq!(pictures.len(), 3);
    for (picture, (file, width, height)) in pictures.iter().zip([
        ("photos/own-main-stream.jpg", 1280, 960),
        ("photos/small.png", 640, 480),
        ("wide.bmp", 1500, 960),
    ]) {
        assert_eq!(
            (&picture["file"], &picture["width"], &picture["height"]),
            (&file.into(), &width.into(), &height.into())
        );
        for person in picture["people"].as_array().expect("a list") {
            let [x, y, w, h] = [0, 1, 2, 3].map(|i| number(&person["box"][i]));
            assert!(x >= 0.0 && y >= 0.0 && x + w <= f64::from(width) + 0.01 && y + h <= f64::from(height) + 0.01);
            assert!(["standing", "seated"].contains(&person["posture"].as_str().expect("words")));
            assert!((0.0..=1.0).contains(&number(&person["confidence"])));
        }
    }
    let (large, small, wide) = (heads(0, 0.0, 1.0), heads(1, 0.0, 2.0), heads(2, 110.0, 1.0));
    // Where the heads of the three at the table are, read off the picture; a thing more may be taken for somebody.
    for at in [(443.0, 474.0), (634.0, 280.0), (843.0, 478.0)] {
        assert!(large.iter().any(|head| (head.0 - at.0).hypot(head.1 - at.1) < 15.0), "nobody at {at:?} in {large:?}");
    }
    assert!(large.len() <= 4, "three sit at the table: {large:?}");
    // Whom it finds in the others, which it sees less well, are people of the first; and it finds some.
    for (others, apart) in [(&small, 12.0), (&wide, 20.0)] {
        let same = |at: &&(f64, f64)| large.iter().any(|head| (head.0 - at.0).hypot(head.1 - at.1) < apart);
        assert!(others.iter().filter(same).count() * 2 >= others.len(), "{others:?} of {large:?}");
    }
    assert!(!small.is_empty() && !wide.is_empty(), "of {large:?}");
    for (name, size) in [("own-main-stream", (1280, 960)), ("small", (640, 480)), ("wide", (1500, 960))] {
        let path = bench.path(&format!("drawn/{name}.png"));
        assert_eq!(image::image_dimensions(path).expect("a picture"), size);
    }
}

#[test]
fn what_is_no_picture_or_no_model_is_named_and_the_rest_is_told() {
    let bench = Bench::new();
    fs::create_dir(bench.path("empty")).unwrap();
    image::RgbImage::from_pixel(32, 20, image::Rgb([80, 80, 80])).save(bench.path("grey.png")).unwrap();
    let whole = fs::read(bench.path("grey.png")).unwrap();
    fs::write(bench.path("torn.png"), &whole[..whole.len() / 2]).unwrap();
    bench.put("words.jpg", "no picture").put("model.onnx", "no model").put("a/grey.png", "");
    bench.twin(&["detect", "torn.png", "words.jpg", "grey.png", "--json", "people.json"]).exits(2).says(&[
        "torn.png is no picture",
        "words.jpg is no picture",
        "expected PNG, JPEG, WebP or BMP",
    ]);
    assert_eq!(bench.json("people.json")[0]["file"], "grey.png");
    for (arguments, words) in [
        (["empty", "--json", "x.json"].as_slice(), "holds no pictures"),
        (&["nowhere.png"], "nowhere.png"),
        (&["grey.png", "--model", "model.onnx"], "model.onnx"),
        (&["grey.png", "a/grey.png", "--draw", "drawn"], "would both be drawn to grey.png"),
        (&["grey.png", "--draw", "."], "would be drawn over"),
    ] {
        bench.twin(&[&["detect"], arguments].concat()).exits(2).says(&[words]);
    }
    assert_eq!(fs::read(bench.path("grey.png")).unwrap(), whole, "nobody's picture is changed");
}
