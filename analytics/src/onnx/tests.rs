use firmware_shim::Uptime;
use glam::DVec2;

use super::*;
use crate::Posture;

const COLOURS: &[u8] = include_bytes!("../../tests/data/colours.onnx");

/// A detector on tract, the runtime that is always there.
fn load(model: &[u8]) -> Result<OnnxDetector, OnnxError> {
    choose_runtime(None).expect("tract is built in");
    OnnxDetector::from_bytes(model, "test.onnx")
}

fn black() -> Vec<u8> {
    vec![0; 3 * PLANE]
}

/// Paints the 4×4 pixels of one cell.
fn paint(pixels: &mut [u8], row: usize, column: usize, rgb: [u8; 3]) {
    for y in 4 * row..4 * row + 4 {
        for x in 4 * column..4 * column + 4 {
            let start = 3 * (y * MODEL_WIDTH as usize + x);
            pixels[start..start + 3].copy_from_slice(&rgb);
        }
    }
}

fn frame(width: u32, height: u32, pixels: Vec<u8>) -> Frame {
    Frame { seq: 7, taken_at: Uptime::ZERO, image: Some(RgbImage { width, height, pixels: pixels.into() }) }
}

#[test]
fn the_picture_reaches_the_model_and_its_answer_comes_back() {
    let mut detector = load(COLOURS).unwrap();
    let mut pixels = black();
    paint(&mut pixels, 30, 50, [204, 51, 153]);
    paint(&mut pixels, 5, 70, [255, 0, 0]);
    let people = detector.detect(&frame(320, 240, pixels)).unwrap();
    let [corner, middle] = people.as_slice() else { panic!("two people: {people:?}") };
    let near =
        |seen: DVec2, x: f64, y: f64| assert!(seen.distance(DVec2::new(x, y)) < 1e-3, "{seen} is not ({x}, {y})");
    assert!((corner.confidence - 1.0).abs() < 1e-5 && (middle.confidence - 0.8).abs() < 1e-5, "{people:?}");
    near(corner.head_px, 280.0, 20.0);
    near(middle.head_px, 200.8, 122.4);
    near(middle.box_min_px, 200.8 - 30.0, 122.4 - 40.0);
    near(middle.box_max_px, 200.8 + 50.0, 122.4 + 60.0);
    assert_eq!((corner.posture, middle.posture), (Posture::Standing, Posture::Seated));
}

#[test]
fn a_picture_leaves_nothing_behind_for_the_next() {
    let mut detector = load(COLOURS).unwrap();
    let mut pixels = black();
    paint(&mut pixels, 30, 50, [255, 255, 255]);
    assert_eq!(detector.detect(&frame(320, 240, pixels)).unwrap().len(), 1);
    assert!(detector.detect(&frame(320, 240, black())).unwrap().is_empty());
}

#[test]
fn the_threshold_is_the_models_own() {
    let mut pixels = black();
    // A confidence of 0.24: under half of one threshold and over that of the other.
    paint(&mut pixels, 30, 50, [60, 0, 0]);
    let faint = frame(320, 240, pixels);
    let mut silent = load(COLOURS).unwrap();
    assert_eq!(silent.confidence_threshold, 0.5);
    assert!(silent.detect(&faint).unwrap().is_empty());
    let mut tuned = load(include_bytes!("../../tests/data/colours_threshold.onnx")).unwrap();
    assert_eq!(tuned.confidence_threshold, 0.25);
    assert_eq!(tuned.detect(&faint).unwrap().len(), 1);
}

#[test]
fn the_model_that_comes_along_loads_and_runs() {
    let mut detector = load(DEFAULT_MODEL).unwrap();
    detector.detect(&frame(320, 240, black())).unwrap();
}

#[track_caller]
fn check_refused(model: &[u8], words: &[&str]) {
    let message = match load(model) {
        Ok(_) => panic!("the model was taken"),
        Err(error) => error.to_string(),
    };
    for words in words {
        assert!(message.contains(words), "no {words:?} in: {message}");
    }
}

#[test]
fn what_is_no_model_is_refused() {
    check_refused(
        b"PK\x03\x04 a PyTorch checkpoint",
        &["test.onnx is no ONNX model", "`image` float32 [1, 3, 240, 320]"],
    );
    check_refused(b"", &["is no ONNX model: it holds no graph"]);
    check_refused(&COLOURS[..COLOURS.len() / 2], &["is no ONNX model"]);
}

#[test]
fn a_model_of_something_else_is_refused_with_the_contract() {
    check_refused(
        include_bytes!("../../tests/data/big_picture.onnx"),
        &["input `image` is float32 [1, 3, 480, 640], not float32 [1, 3, 240, 320]", "`heat` float32 [1, 1, 60, 80]"],
    );
    check_refused(include_bytes!("../../tests/data/any_batch.onnx"), &["input `image` is float32 [any, 3, 240, 320]"]);
    check_refused(
        include_bytes!("../../tests/data/other_names.onnx"),
        &["it gives `heat`, `offset`, `seated`, `size`, not `extent`, `heat`, `offset`, `seated`"],
    );
    check_refused(include_bytes!("../../tests/data/seated_double.onnx"), &["output `seated` is float64"]);
    check_refused(include_bytes!("../../tests/data/loose_output.onnx"), &["nothing in it makes the output `seated`"]);
    check_refused(include_bytes!("../../tests/data/external.onnx"), &["its weights are in another file"]);
    check_refused(
        include_bytes!("../../tests/data/weight_inputs.onnx"),
        &["`weights`", "keep_initializers_as_inputs off"],
    );
    check_refused(include_bytes!("../../tests/data/bad_threshold.onnx"), &["`confidence_threshold` is \"high\""]);
}

#[test]
fn a_frame_the_model_cannot_take_is_an_error_that_says_why() {
    let mut detector = load(COLOURS).unwrap();
    let mut message = |frame: Frame| detector.detect(&frame).unwrap_err().to_string();
    assert_eq!(message(Frame { seq: 7, taken_at: Uptime::ZERO, image: None }), "frame 7 has no picture");
    assert_eq!(message(frame(640, 480, vec![0; 3 * 640 * 480])), "frame 7 is 640×480, the model takes 320×240");
    assert!(message(frame(320, 240, vec![0; 12])).contains("has 12 bytes where its size needs 230400"));
}

#[test]
fn an_answer_that_is_no_number_is_an_error() {
    let mut detector = load(include_bytes!("../../tests/data/log_heat.onnx")).unwrap();
    let message = detector.detect(&frame(320, 240, black())).unwrap_err().to_string();
    assert!(message.contains("output `heat` has a value that is no number: -inf"), "{message}");
}
