//! ron's errors in words for the person who wrote the file.

use ron::error::{Error, Position, SpannedError};

pub(crate) struct Explanation {
    pub message: String,
    /// Where ron noticed.
    pub at: Position,
    /// Whether a whole value is at fault, so that its first character is a better place than where ron noticed.
    pub about_value: bool,
    /// The key at fault, where that is the last step of the path.
    pub key: Option<String>,
}

pub(crate) fn explain(error: &SpannedError, text: &str) -> Explanation {
    let (start, end) = (error.span.start, error.span.end);
    let value = |message: String| Explanation { message, at: end, about_value: true, key: None };
    let syntax = |message: String| Explanation { message, at: end, about_value: false, key: None };
    let mismatch = |expected: &str| {
        let found = excerpt(text, end);
        syntax(if found.is_empty() {
            format!("expected {expected}")
        } else {
            format!("expected {expected}, found `{found}`")
        })
    };
    match &error.code {
        Error::NoSuchStructField { expected, found, .. } => Explanation {
            message: format!("unknown field{}", alternatives(found, expected)),
            at: start,
            about_value: false,
            key: Some(found.clone()),
        },
        Error::DuplicateStructField { field, .. } => Explanation {
            message: "is given twice".to_owned(),
            at: start,
            about_value: false,
            key: Some((*field).to_owned()),
        },
        Error::MissingStructField { field, .. } => value(format!("missing field `{field}`")),
        Error::NoSuchEnumVariant { expected, found, .. } => {
            value(format!("unknown name `{found}`{}", alternatives(found, expected)))
        }
        Error::InvalidValueForType { expected, found } => {
            value(format!("expected {}, found {}", plain_type(expected), plain_type(found)))
        }
        Error::ExpectedDifferentLength { expected, found } => {
            value(format!("expected {expected}, found {found} element{}", if *found == 1 { "" } else { "s" }))
        }
        Error::IntegerOutOfBounds => value("number is out of range here".to_owned()),
        Error::Message(message) => value(message.clone()),
        Error::ExpectedBoolean => mismatch("true or false"),
        Error::ExpectedInteger => mismatch("a whole number"),
        Error::ExpectedFloat => mismatch("a number"),
        Error::ExpectedString => mismatch("text in quotes"),
        Error::ExpectedArray => mismatch("a list `[…]`"),
        Error::ExpectedMap => mismatch("a map `{…}`"),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => match word_before(text, end) {
            Some(name) => {
                syntax(format!("`{name}` needs brackets: expected `{name}(…)`, or `{name}()` with nothing in them"))
            }
            None => mismatch("`(…)`"),
        },
        Error::ExpectedIdentifier => mismatch("a name"),
        Error::ExpectedMapColon => mismatch("a colon"),
        Error::ExpectedStructLikeEnd | Error::ExpectedOptionEnd | Error::ExpectedComma
            if excerpt(text, end) == "(" && word_before(text, end).is_some() =>
        {
            let name = word_before(text, end).unwrap_or_default();
            syntax(format!("`{name}` takes no brackets: expected `{name}` alone"))
        }
        Error::ExpectedStructLikeEnd | Error::ExpectedOptionEnd | Error::ExpectedComma
            if excerpt(text, end).starts_with('.') && number_before(text, end).is_some() =>
        {
            let whole = number_before(text, end).unwrap_or_default();
            syntax(format!("expected a whole number, found `{whole}{}`", excerpt(text, end)))
        }
        Error::ExpectedComma => mismatch("a comma or the end of the list"),
        Error::ExpectedStructLikeEnd | Error::ExpectedOptionEnd => mismatch("`)`"),
        Error::ExpectedArrayEnd => mismatch("`]`"),
        Error::ExpectedMapEnd => mismatch("`}`"),
        Error::ExpectedDifferentStructName { expected, found } => {
            syntax(format!("expected `{expected}(…)`, found `{found}`"))
        }
        Error::Eof => syntax("the text ends in the middle of a value".to_owned()),
        Error::ExpectedStringEnd => value("the text ends inside quotes".to_owned()),
        Error::UnclosedBlockComment => syntax("the text ends inside a `/* … */` comment".to_owned()),
        Error::TrailingCharacters => mismatch("the end of the file"),
        Error::SuggestRawIdentifier(found) | Error::InvalidIdentifier(found)
            if found.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            syntax(format!("expected a name, found `{found}`; numbers are written with a point, such as 3.0"))
        }
        Error::ExceededRecursionLimit => syntax("is nested too deeply".to_owned()),
        other => syntax(lowercase_first(&other.to_string())),
    }
}

/// What serde calls a type of Rust, in words of the person who wrote the file.
fn plain_type(words: &str) -> String {
    let whole = |least: u64, most: u64| format!("a whole number from {least} to {most}");
    match words {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a nonzero u8" => whole(1, u8::MAX.into()),
        "a nonzero u16" => whole(1, u16::MAX.into()),
        "a nonzero u32" => whole(1, u32::MAX.into()),
        "a string" => "text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        // The number itself is told, and its kind means nothing to whoever wrote it.
        found => found
            .replace("the unsigned integer ", "")
            .replace("the signed integer ", "")
            .replace("the floating point number ", ""),
    }
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// What would have been right instead of `found`, to be put after words that say what is wrong: the nearest name if one is near,
/// and all of them.
pub fn alternatives(found: &str, expected: &[&str]) -> String {
    let nearest = expected
        .iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), found.len().max(name.len()), name))
        .filter(|(distance, length, _)| distance < length && *distance <= length.div_ceil(3))
        .min_by_key(|(distance, _, _)| *distance);
    let suggestion = nearest.map(|(_, _, name)| format!(", did you mean `{name}`?")).unwrap_or_default();
    let separator = if suggestion.is_empty() { ";" } else { "" };
    let quoted: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => format!("{suggestion}{separator} none is expected here"),
        [only] if suggestion.is_empty() => format!("; expected {only}"),
        [_] => suggestion,
        [first @ .., last] => {
            let either = if first.len() == 1 { "either" } else { "one of" };
            format!("{suggestion}{separator} expected {either} {} or {last}", first.join(", "))
        }
    }
}

/// The name that stands just before a position, on its line.
fn word_before(text: &str, at: Position) -> Option<String> {
    letters_before(text, at).filter(|word| word.starts_with(char::is_alphabetic))
}

/// The digits that stand just before a position.
fn number_before(text: &str, at: Position) -> Option<String> {
    letters_before(text, at).filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

fn letters_before(text: &str, at: Position) -> Option<String> {
    let line: String = text.lines().nth(at.line.saturating_sub(1))?.chars().take(at.col.saturating_sub(1)).collect();
    let is_of_a_name = |c: &char| c.is_alphanumeric() || *c == '_';
    let reversed: String = line.trim_end().chars().rev().take_while(is_of_a_name).collect();
    Some(reversed.chars().rev().collect())
}

/// The word or quoted text that stands at a position, for telling a person what was found there.
fn excerpt(text: &str, at: Position) -> String {
    const LONGEST: usize = 40;
    let Some(line) = text.lines().nth(at.line.saturating_sub(1)) else { return String::new() };
    let rest: Vec<char> = line.chars().skip(at.col.saturating_sub(1)).collect();
    let end = match rest.first() {
        Some('"') => rest.iter().skip(1).position(|&c| c == '"').map_or(rest.len(), |quote| quote + 2),
        Some(c) if "()[]{},:".contains(*c) => 1,
        _ => rest.iter().position(|&c| "()[]{},:/".contains(c) || c.is_whitespace()).unwrap_or(rest.len()),
    };
    rest[..end.min(LONGEST)].iter().collect()
}
