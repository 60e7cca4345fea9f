//! Which model is run, and by which inference runtime: a libonnxruntime.so where there is one, else the embedded tract.

use std::path::{Path, PathBuf};
use std::{env, fs};

use analytics::DEFAULT_MODEL;
use anyhow::Context;

/// A detector's file.
pub struct Model {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// What messages call it.
    pub name: String,
}

impl Model {
    /// The model in a file, or the built-in one.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            return Ok(Model { bytes: DEFAULT_MODEL.to_vec(), name: "the built-in model".to_owned() });
        };
        let bytes = fs::read(path).with_context(|| format!("failed to read the model {}", path.display()))?;
        Ok(Model { bytes, name: path.display().to_string() })
    }
}

/// The runtime in use, and where it came from.
pub struct Inference {
    runtime: analytics::Inference,
    dylib: Option<PathBuf>,
}

impl Inference {
    /// `"tract"` or `"onnxruntime"`.
    pub fn name(&self) -> &'static str {
        self.runtime.as_str()
    }

    /// For people.
    pub fn describe(&self) -> String {
        match &self.dylib {
            Some(path) => format!("ONNX Runtime ({})", path.display()),
            None => "tract, built in (ONNX Runtime is several times faster: set ORT_DYLIB_PATH to a libonnxruntime.so)"
                .to_owned(),
        }
    }
}

/// Chooses, once for the process. What `ORT_DYLIB_PATH` names must work: whoever sets it wants it.
pub fn choose() -> anyhow::Result<Inference> {
    let library = match env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        Some(path) => Some(PathBuf::from(path)),
        None => beside_the_program(),
    };
    let runtime = analytics::choose_runtime(library.as_deref()).with_context(|| {
        "failed to open ONNX Runtime; correct or unset ORT_DYLIB_PATH (the built-in tract is then used)".to_owned()
    })?;
    Ok(Inference { runtime, dylib: library })
}

/// Where `./twin` puts the library: `onnxruntime/` beside the folder of the program (`target/release/twin`,
/// `target/onnxruntime/`).
fn beside_the_program() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let library = program.parent()?.parent()?.join("onnxruntime/libonnxruntime.so");
    library.is_file().then_some(library)
}
