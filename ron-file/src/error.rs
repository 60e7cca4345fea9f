//! What is wrong in a file, where, and what would be right.

use std::fmt;

/// One problem in one file, as a person is told it: `scenes/room.ron:12:9: people[2].height_m: must be above 0`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FileError {
    /// The file's name as the person knows it.
    pub file: String,
    /// Line in the text, from 1; `None` when the file could not be read at all.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// Dotted path of the field, such as `people[2].height_m`; empty for the file as a whole.
    pub field: String,
    /// What is wrong and what would be right, as a lowercase fragment.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Every problem a validator found; printed one per line, in the order found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FileErrors(pub Vec<FileError>);

impl FileErrors {
    /// An error if there is any problem.
    pub fn check(problems: Vec<FileError>) -> Result<(), FileErrors> {
        if problems.is_empty() { Ok(()) } else { Err(FileErrors(problems)) }
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl From<FileError> for FileErrors {
    fn from(problem: FileError) -> Self {
        FileErrors(vec![problem])
    }
}
