//! What a model must take and give (`MODEL.md`), and whether a file does.
//!
//! The file is read before any runtime sees it: names and metadata come out alike whichever runtime is used, and a model
//! made for something else is refused in our words. Knows nothing of pictures or people.

use std::fmt;

use ort::session::Session;
use ort::value::{Outlet, TensorElementType};
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::prelude::Framework;

use super::OnnxError;

/// Pixels per row of the picture a model takes.
pub const MODEL_WIDTH: u32 = 320;
/// Rows of the picture a model takes.
pub const MODEL_HEIGHT: u32 = 240;

/// Pixels in one colour's plane.
pub(super) const PLANE: usize = (MODEL_WIDTH * MODEL_HEIGHT) as usize;
/// Edge of a grid cell in pixels.
pub(super) const STRIDE: usize = 4;
/// Cells per row of the grid.
pub(super) const COLUMNS: usize = MODEL_WIDTH as usize / STRIDE;
/// Rows of the grid.
pub(super) const ROWS: usize = MODEL_HEIGHT as usize / STRIDE;

/// The metadata property that carries the threshold a model was tuned for.
const THRESHOLD_PROPERTY: &str = "confidence_threshold";
/// Where the file does not say.
const THRESHOLD_DEFAULT: f64 = 0.5;

/// A tensor of the contract; all are float32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tensor {
    pub name: &'static str,
    pub shape: [i64; 4],
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` float32 {:?}", self.name, self.shape)
    }
}

/// What every model takes.
pub(super) const INPUT: Tensor = Tensor { name: "image", shape: [1, 3, MODEL_HEIGHT as i64, MODEL_WIDTH as i64] };

/// What every model gives.
#[derive(Clone, Copy)]
pub(super) enum Output {
    Heat,
    Offset,
    Extent,
    Seated,
}

impl Output {
    const ALL: [Output; 4] = [Output::Heat, Output::Offset, Output::Extent, Output::Seated];

    pub fn tensor(self) -> Tensor {
        let (name, channels) = match self {
            Output::Heat => ("heat", 1),
            Output::Offset => ("offset", 2),
            Output::Extent => ("extent", 4),
            Output::Seated => ("seated", 1),
        };
        Tensor { name, shape: [1, channels, ROWS as i64, COLUMNS as i64] }
    }
}

/// The contract in one line, for messages.
fn summary() -> String {
    let outputs = Output::ALL.map(|output| output.tensor().to_string());
    format!("a detector takes {INPUT} and gives {}; MODEL.md in the analytics folder says more", outputs.join(", "))
}

fn breach(name: &str, problem: String) -> OnnxError {
    OnnxError::Contract { name: name.to_owned(), problem, contract: summary() }
}

/// Checks the file's form and the names in it, and returns its confidence threshold.
pub(super) fn read_file(mut model: &[u8], name: &str) -> Result<f64, OnnxError> {
    let not_a_model = |reason: String| OnnxError::NotAModel { name: name.to_owned(), reason, contract: summary() };
    let proto = tract_onnx::onnx().proto_model_for_read(&mut model).map_err(|error| not_a_model(error.to_string()))?;
    let graph = proto.graph.as_ref().ok_or_else(|| not_a_model("it holds no graph".to_owned()))?;

    let inputs: Vec<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    if inputs != [INPUT.name] {
        let hint = if inputs.iter().any(|input| graph.initializer.iter().any(|weights| weights.name == *input)) {
            " (weights must not be inputs: export with keep_initializers_as_inputs off)"
        } else {
            ""
        };
        return Err(breach(name, format!("it takes {}, not `{}` alone{hint}", quoted(&inputs), INPUT.name)));
    }
    let mut outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    outputs.sort_unstable();
    let mut wanted = Output::ALL.map(|output| output.tensor().name);
    wanted.sort_unstable();
    if outputs != wanted {
        return Err(breach(name, format!("it gives {}, not {}", quoted(&outputs), quoted(&wanted))));
    }
    // tract would panic.
    let is_made = |output: &str| graph.node.iter().any(|node| node.output.iter().any(|made| made == output));
    if let Some(output) = outputs.iter().find(|output| !is_made(output)) {
        return Err(breach(name, format!("nothing in it makes the output `{output}`")));
    }
    // A file beside the model that is handed over as bytes would be looked for in the wrong place.
    if graph.initializer.iter().any(|weights| weights.data_location == Some(DataLocation::External as i32)) {
        return Err(breach(name, "its weights are in another file: save them in the model's own".to_owned()));
    }
    threshold(&proto).map_err(|problem| breach(name, problem))
}

fn quoted(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

fn threshold(proto: &ModelProto) -> Result<f64, String> {
    let Some(property) = proto.metadata_props.iter().find(|property| property.key == THRESHOLD_PROPERTY) else {
        return Ok(THRESHOLD_DEFAULT);
    };
    match property.value.parse::<f64>() {
        Ok(threshold) if threshold > 0.0 && threshold <= 1.0 => Ok(threshold),
        _ => Err(format!(
            "its metadata property `{THRESHOLD_PROPERTY}` is {:?}, not a number over 0 and up to 1",
            property.value
        )),
    }
}

/// Checks element types and shapes as the runtime understands them. The names are known to be right.
pub(super) fn check_tensors(session: &Session, name: &str) -> Result<(), OnnxError> {
    check_tensor("input", session.inputs(), INPUT).map_err(|problem| breach(name, problem))?;
    for output in Output::ALL {
        check_tensor("output", session.outputs(), output.tensor()).map_err(|problem| breach(name, problem))?;
    }
    Ok(())
}

fn check_tensor(role: &str, outlets: &[Outlet], tensor: Tensor) -> Result<(), String> {
    let outlet = outlets.iter().find(|outlet| outlet.name() == tensor.name);
    let outlet = outlet.ok_or_else(|| format!("{role} `{}` is missing", tensor.name))?;
    let (element, shape) = match (outlet.dtype().tensor_type(), outlet.dtype().tensor_shape()) {
        (Some(element), Some(shape)) => (element, shape),
        _ => return Err(format!("{role} `{}` is no tensor", tensor.name)),
    };
    if element == TensorElementType::Float32 && **shape == tensor.shape {
        return Ok(());
    }
    let shown: Vec<String> =
        shape.iter().map(|&size| if size < 0 { "any".to_owned() } else { size.to_string() }).collect();
    let element = match element {
        TensorElementType::Float16 => "float16".to_owned(),
        TensorElementType::Float32 => "float32".to_owned(),
        TensorElementType::Float64 => "float64".to_owned(),
        other => other.to_string(),
    };
    Err(format!("{role} `{}` is {element} [{}], not float32 {:?}", tensor.name, shown.join(", "), tensor.shape))
}
