//! Which library runs the models: tract, which is built in, or an ONNX Runtime opened at run time, several times faster.
//!
//! One per process, chosen once. Where to look for the library is the caller's business.

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::{Library, Symbol};
use ort::environment::Environment;
use ort::sys::{ORT_API_VERSION, OrtApi, OrtApiBase};

/// What runs the models of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inference {
    /// tract, built into this program.
    Tract,
    /// A shared library of ONNX Runtime.
    OnnxRuntime,
}

impl Inference {
    /// `tract` or `onnxruntime`, as reports of runs have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Inference::Tract => "tract",
            Inference::OnnxRuntime => "onnxruntime",
        }
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a runtime or a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file is no library, or none of ONNX Runtime.
    #[error(
        "failed to open {} as ONNX Runtime: {reason}; give the libonnxruntime.so of ONNX Runtime 1.{ORT_API_VERSION} or \
         newer (the PyPI package onnxruntime holds one), or none to run with the built-in tract",
        path.display()
    )]
    Library {
        /// The file that was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The library is of a version that lacks what we call.
    #[error(
        "ONNX Runtime in {} is version {version}, too old: 1.{ORT_API_VERSION} or newer is needed (the PyPI package \
         onnxruntime holds one), or give none to run with the built-in tract",
        path.display()
    )]
    TooOld {
        /// The file that was given.
        path: PathBuf,
        /// The version it says it is.
        version: String,
    },
    /// Another runtime was chosen before; one process has one.
    #[error("failed to change the inference runtime: this process already runs models with {chosen}")]
    AlreadyChosen {
        /// The one in use.
        chosen: String,
    },
    /// A model was loaded before a runtime was chosen.
    #[error("no inference runtime was chosen before the model was loaded")]
    NoRuntime,
    /// The runtime would not start.
    #[error("failed to start {inference}: {reason}")]
    Start {
        /// The runtime.
        inference: Inference,
        /// Its words.
        reason: String,
    },
    /// The bytes are no ONNX model.
    #[error("{name} is no ONNX model: {reason}; {contract}")]
    NotAModel {
        /// What the caller calls the model.
        name: String,
        /// What is wrong.
        reason: String,
        /// What a model must be.
        contract: String,
    },
    /// An ONNX model, but not of a detector as we need it.
    #[error("{name} is not a detector's model: {problem}; {contract}")]
    Contract {
        /// What the caller calls the model.
        name: String,
        /// What is not as it must be.
        problem: String,
        /// What a model must be.
        contract: String,
    },
    /// The runtime cannot run the model.
    #[error("failed to load {name} with {inference}: {reason}")]
    Load {
        /// What the caller calls the model.
        name: String,
        /// The runtime.
        inference: Inference,
        /// Its words.
        reason: String,
    },
}

/// The runtime of this process.
pub(super) struct Runtime {
    pub inference: Inference,
    /// The library that was asked for.
    dylib: Option<PathBuf>,
    pub environment: Environment,
}

static CHOSEN: OnceLock<Runtime> = OnceLock::new();

/// Chooses what runs the models of this process: the ONNX Runtime in the library `dylib`, or tract without one.
///
/// The first success holds for the process; asking for the same again is fine. After an error nothing is chosen.
///
/// # Errors
/// The library cannot be used, or another runtime was chosen before.
pub fn choose_runtime(dylib: Option<&Path>) -> Result<Inference, OnnxError> {
    // `ort` takes one table of functions and one environment per process: two threads must not both be first.
    static CHOOSING: Mutex<()> = Mutex::new(());
    let _alone = CHOOSING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = CHOSEN.get() {
        if runtime.dylib.as_deref() == dylib {
            return Ok(runtime.inference);
        }
        let chosen = match &runtime.dylib {
            Some(path) => format!("{} from {}", runtime.inference, path.display()),
            None => runtime.inference.to_string(),
        };
        return Err(OnnxError::AlreadyChosen { chosen });
    }
    let (inference, api) = match dylib {
        Some(path) => (Inference::OnnxRuntime, open(path)?),
        None => (Inference::Tract, ort_tract::api()),
    };
    // Refused only if somebody else in the process set one; then models run with that, and we must not say otherwise.
    if !ort::set_api(api) {
        return Err(OnnxError::AlreadyChosen { chosen: ort::info().to_owned() });
    }
    // A simulator has nothing to tell the maker of the runtime about its user.
    let environment = ort::init().with_telemetry(false).build();
    let environment = environment.map_err(|error| OnnxError::Start { inference, reason: error.to_string() })?;
    let runtime = CHOSEN.get_or_init(|| Runtime { inference, dylib: dylib.map(Path::to_owned), environment });
    Ok(runtime.inference)
}

/// The runtime chosen before.
pub(super) fn chosen() -> Result<&'static Runtime, OnnxError> {
    CHOSEN.get().ok_or(OnnxError::NoRuntime)
}

/// Opens the library and takes its table of functions. `ort`'s own loader cannot be had together with another backend.
fn open(path: &Path) -> Result<OrtApi, OnnxError> {
    let failed = |reason: String| OnnxError::Library { path: path.to_owned(), reason };
    if !path.is_file() {
        // The loader would go on to search the system's folders for a bare name.
        return Err(failed("there is no such file".to_owned()));
    }
    // Without a folder in its name the loader would, again, search.
    let path = path.canonicalize().map_err(|error| failed(error.to_string()))?;
    load(&path)
}

#[allow(unsafe_code, reason = "a C library's functions are called through a pointer table; there is no safe way in")]
fn load(path: &Path) -> Result<OrtApi, OnnxError> {
    let failed = |reason: String| OnnxError::Library { path: path.to_owned(), reason };
    // SAFETY: opening a library runs its initialisers; the user named this file to be run.
    let library = unsafe { Library::new(path) }.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        failed(cause.unwrap_or_else(|| error.to_string()))
    })?;
    // SAFETY: the signature is the one of `onnxruntime_c_api.h`, the same in every version.
    let base = unsafe {
        let base: Symbol<unsafe extern "C" fn() -> *const OrtApiBase> = library
            .get(b"OrtGetApiBase\0")
            .map_err(|_| failed("it is a library, but has no function OrtGetApiBase".to_owned()))?;
        base().as_ref()
    };
    let base = base.ok_or_else(|| failed("its OrtGetApiBase gives nothing".to_owned()))?;
    // SAFETY: a static, zero-terminated string by the header's word.
    let version = unsafe {
        let version = (base.GetVersionString)();
        if version.is_null() { c"unknown" } else { CStr::from_ptr(version) }
    };
    let version = version.to_string_lossy().into_owned();
    // An old library would print a complaint of its own to the terminal when asked for a table it does not have.
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor < ORT_API_VERSION) {
        return Err(OnnxError::TooOld { path: path.to_owned(), version });
    }
    // SAFETY: the table is static, and for this version number has the layout that `ort` was built for.
    let api = unsafe { (base.GetApi)(ORT_API_VERSION).as_ref() };
    let api = api.cloned().ok_or_else(|| OnnxError::TooOld { path: path.to_owned(), version })?;
    // The table points into the library: it stays open until the process ends.
    std::mem::forget(library);
    Ok(api)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_runtime() {
        assert_eq!(choose_runtime(None).unwrap().as_str(), "tract");
        assert_eq!(choose_runtime(None).unwrap(), Inference::Tract, "the same again");
        let error = choose_runtime(Some(Path::new("libonnxruntime.so"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to change the inference runtime: this process already runs models with tract"
        );
    }

    #[test]
    fn a_file_that_is_no_onnx_runtime_is_refused_with_the_remedy() {
        let model = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/colours.onnx"));
        for (path, problem) in [(Path::new("libnowhere.so"), "there is no such file"), (model, model.to_str().unwrap())]
        {
            let message = open(path).expect_err("no ONNX Runtime").to_string();
            let start = format!("failed to open {} as ONNX Runtime: {problem}", path.display());
            assert!(message.starts_with(&start), "{message}");
            assert!(message.contains("give the libonnxruntime.so of ONNX Runtime 1.24 or newer"), "{message}");
        }
    }
}
