//! The detector that is an ONNX model: a picture in, heads and bodies out, by the contract of `MODEL.md`.
//!
//! It does not know where models or runtimes are kept, and nothing of what becomes of its detections.

mod contract;
mod heat_map;
mod runtime;

use firmware_shim::{Frame, RgbImage};
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use crate::{DetectError, Detection, Detector};
use contract::{INPUT, Output, PLANE};
use heat_map::{Maps, people};

pub use contract::{MODEL_HEIGHT, MODEL_WIDTH};
pub use runtime::{Inference, OnnxError, choose_runtime};

/// The model this crate comes with.
pub const DEFAULT_MODEL: &[u8] = include_bytes!("../models/detector.onnx");

/// The part of a model's threshold from which detections are passed on: less than any recognition scheme takes for somebody.
const TOLD_SHARE: f64 = 0.5;

/// A network that keeps to the contract of `MODEL.md`, ready to run.
///
/// One thread and deterministic kernels: the same picture gives the same detections, always, with the same runtime on
/// the same kind of processor.
pub struct OnnxDetector {
    session: Session,
    /// A head is believed from this confidence on, 0 to 1, in a picture by itself. As the model's file says, and 0.5 if it
    /// is silent.
    pub confidence_threshold: f64,
    /// Detections less sure than this are not told.
    pub weakest: f64,
    /// The picture as the model takes it, kept to spare an allocation per frame.
    input: Vec<f32>,
}

impl OnnxDetector {
    /// Loads the model in `model`; `name` is what messages call it, a file's path for example.
    ///
    /// # Errors
    /// No runtime chosen yet, not an ONNX model, not the contract's inputs and outputs, or nothing the runtime can run.
    pub fn from_bytes(model: &[u8], name: &str) -> Result<Self, OnnxError> {
        let runtime = runtime::chosen()?;
        let confidence_threshold = contract::read_file(model, name)?;
        let session = session(runtime, model).map_err(|error| OnnxError::Load {
            name: name.to_owned(),
            inference: runtime.inference,
            reason: error.to_string(),
        })?;
        contract::check_tensors(&session, name)?;
        let weakest = TOLD_SHARE * confidence_threshold;
        Ok(OnnxDetector { session, confidence_threshold, weakest, input: vec![0.0; 3 * PLANE] })
    }
}

impl Detector for OnnxDetector {
    fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        let image = frame.image.as_ref().ok_or(DetectError::NoPicture { seq: frame.seq })?;
        if (image.width, image.height) != (MODEL_WIDTH, MODEL_HEIGHT) {
            return Err(DetectError::WrongSize {
                seq: frame.seq,
                width: image.width,
                height: image.height,
                model_width: MODEL_WIDTH,
                model_height: MODEL_HEIGHT,
            });
        }
        let failed = |reason: String| DetectError::Inference { seq: frame.seq, reason };
        fill_planes(image, &mut self.input).map_err(failed)?;
        infer(&mut self.session, &self.input, self.weakest).map_err(failed)
    }

    fn believes_from(&self) -> f64 {
        self.confidence_threshold
    }
}

fn session(runtime: &runtime::Runtime, model: &[u8]) -> ort::Result<Session> {
    let builder = Session::builder(&runtime.environment)?.with_optimization_level(GraphOptimizationLevel::All)?;
    let mut builder = match runtime.inference {
        // tract has one thread and one set of kernels, and no such settings.
        Inference::Tract => builder,
        Inference::OnnxRuntime => builder.with_intra_threads(1)?.with_deterministic_compute(true)?,
    };
    builder.commit_from_memory(model)
}

/// Interleaved bytes to planes of 0 … 1, red, green, blue.
fn fill_planes(image: &RgbImage, planes: &mut [f32]) -> Result<(), String> {
    if image.pixels.len() != planes.len() {
        return Err(format!("the picture has {} bytes where its size needs {}", image.pixels.len(), planes.len()));
    }
    let (red, rest) = planes.split_at_mut(PLANE);
    let (green, blue) = rest.split_at_mut(PLANE);
    for (((rgb, red), green), blue) in image.pixels.as_chunks::<3>().0.iter().zip(red).zip(green).zip(blue) {
        *red = f32::from(rgb[0]) / 255.0;
        *green = f32::from(rgb[1]) / 255.0;
        *blue = f32::from(rgb[2]) / 255.0;
    }
    Ok(())
}

fn infer(session: &mut Session, input: &[f32], threshold: f64) -> Result<Vec<Detection>, String> {
    let tensor = TensorRef::from_array_view((INPUT.shape, input)).map_err(|error| error.to_string())?;
    let outputs = session.run(ort::inputs![INPUT.name => tensor]).map_err(|error| error.to_string())?;
    let map = |output: Output| -> Result<&[f32], String> {
        let tensor = output.tensor();
        let value = outputs.get(tensor.name).ok_or_else(|| format!("no output `{}` came", tensor.name))?;
        let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| error.to_string())?;
        if **shape != tensor.shape {
            return Err(format!("output `{}` came as {shape:?}, not as {:?}", tensor.name, tensor.shape));
        }
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(format!("output `{}` has a value that is no number: {value}", tensor.name)),
            None => Ok(values),
        }
    };
    let maps = Maps {
        heat: map(Output::Heat)?,
        offset: map(Output::Offset)?,
        extent: map(Output::Extent)?,
        seated: map(Output::Seated)?,
    };
    Ok(people(&maps, threshold))
}

#[cfg(test)]
mod tests;
