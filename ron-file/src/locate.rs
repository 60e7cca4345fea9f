//! Where a field stands in the text.
//!
//! A path is walked with ron's own parser: a serde seed steps into the wanted key or element at each level, ignores the
//! rest, and on arrival fails on purpose; ron then says at which line and column it was. So there is no second grammar.

use std::fmt;

use ron::error::{Error, Position};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field of a struct or a key of a map.
    Key(String),
    /// An element of a list or tuple.
    Index(usize),
}

/// Splits `people[2].does[1].to`. Anything that is no number in brackets is a key, so no path is wrong, only absent.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (key, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        }
        for index in indices.split('[').filter(|s| !s.is_empty()) {
            let index = index.trim_end_matches(']');
            steps.push(index.parse().map_or_else(|_| Step::Key(index.trim_matches('"').to_owned()), Step::Index));
        }
    }
    steps
}

/// A path as it is written in messages.
pub(crate) fn dotted(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.push_str(&format!(".{key}")),
        }
    }
    path
}

/// The position of the value at the path, or of its nearest ancestor that is in the text (a defaulted field is not);
/// `None` when the text cannot be parsed that far.
pub(crate) fn locate(options: &ron::Options, text: &str, path: &[Step]) -> Option<Position> {
    (0..=path.len()).rev().find_map(|len| locate_exactly(options, text, &path[..len]))
}

fn locate_exactly(options: &ron::Options, text: &str, path: &[Step]) -> Option<Position> {
    // `Route([…])` reads as a tuple of one list: `route[1]` is then in its first element. The text alone does not tell such
    // a wrapper from a list of one, so the plain reading goes first.
    let unwraps = std::iter::once(None).chain((0..path.len()).map(Some));
    unwraps.into_iter().find_map(|unwrap_at| {
        let error = options.from_str_seed(text, Walk { path, depth: 0, unwrap_at }).err()?;
        (error.code == Error::Message(ARRIVED.to_owned())).then_some(error.span.end)
    })
}

const ARRIVED: &str = "arrived at the path's end";

#[derive(Clone, Copy)]
struct Walk<'p> {
    path: &'p [Step],
    depth: usize,
    /// The depth at which one more tuple is taken for a mere wrapper.
    unwrap_at: Option<usize>,
}

impl Walk<'_> {
    fn deeper(self) -> Self {
        Walk { depth: self.depth + 1, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Nothing of the value has been read yet, so the position ron reports is its first character.
        if self.depth == self.path.len() {
            return Err(serde::de::Error::custom(ARRIVED));
        }
        deserializer.deserialize_any(self)
    }
}

/// A scalar where the path goes on: what is looked for is not here.
macro_rules! not_here {
    ($($visit:ident($t:ty))*) => {
        $(fn $visit<E: serde::de::Error>(self, _: $t) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "any value")
    }

    not_here! { visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_char(char) visit_str(&str) visit_bytes(&[u8]) }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<(), D::Error> {
        self.deserialize(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<(), D::Error> {
        self.deserialize(inner)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let (_, content) = access.variant::<IgnoredAny>()?;
        content.newtype_variant_seed(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let (wanted, inner) = match &self.path[self.depth] {
            Step::Index(index) if self.unwrap_at != Some(self.depth) => (*index, self.deeper()),
            // A key inside a tuple: the tuple is a newtype's or a variant's parentheses.
            _ => (0, Walk { unwrap_at: None, ..self }),
        };
        for _ in 0..wanted {
            if access.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        access.next_element_seed(inner)?;
        while access.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let wanted = match &self.path[self.depth] {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        };
        while let Some(key) = access.next_key::<Key>()? {
            if key.reads(&wanted) {
                access.next_value_seed(self.deeper())?;
            } else {
                access.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A key of a struct or map. Untagged, because only so does ron hand over the name of a unit variant used as a map's key.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Key {
    Name(String),
    Number(i64),
    Other(IgnoredAny),
}

impl Key {
    fn reads(&self, wanted: &str) -> bool {
        match self {
            Key::Name(name) => name == wanted,
            Key::Number(number) => number.to_string() == wanted,
            Key::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text from the located position to the end of its line.
    fn found_at(text: &str, path: &str) -> String {
        let options = crate::file::options();
        let at = locate(&options, text, &steps(path)).expect("the text parses");
        let line = text.lines().nth(at.line - 1).unwrap();
        line.chars().skip(at.col - 1).collect()
    }

    const ROOM: &str = r#"// A room ( { [ "with" braces.
Room(
    name: "odd ) } ] \" name", /* people: [ */
    size: (6.0, 4.0, 2.7),
    people: [
        (name: "Ada", does: [Sit, Walk(to: (1, 2))]),
        (
            name: r"{raw(",
            height: Some(1.75),
            does: [
                Walk(to: (3, 4), speed: 1.2), // strolls
                Pose((elbow: 90.0)),
                Route([(5, 6), (7, 8)]),
                Turn(30.0, 2.5),
            ],
        ),
    ],
    desk: Some((
        wide: 1.6,
    )),
    by_name: { "door.left": 1, Monday: (from: 8), 3: "three" },
)
"#;

    #[test]
    fn nested_fields_are_found() {
        assert_eq!(found_at(ROOM, "name"), r#""odd ) } ] \" name", /* people: [ */"#);
        assert_eq!(found_at(ROOM, "people[0].name"), r#""Ada", does: [Sit, Walk(to: (1, 2))]),"#);
        assert_eq!(found_at(ROOM, "people[1].name"), r##"r"{raw(","##);
        assert_eq!(found_at(ROOM, "people[1]"), "(");
    }

    #[test]
    fn tuples_are_indexed() {
        assert_eq!(found_at(ROOM, "size[2]"), "2.7),");
        assert_eq!(found_at(ROOM, "people[1].does[0].to[1]"), "4), speed: 1.2), // strolls");
    }

    #[test]
    fn the_contents_of_some_and_of_variants_are_their_own() {
        assert_eq!(found_at(ROOM, "people[1].height"), "Some(1.75),");
        assert_eq!(found_at(ROOM, "desk.wide"), "1.6,");
        assert_eq!(found_at(ROOM, "people[1].does[0].speed"), "1.2), // strolls");
        assert_eq!(found_at(ROOM, "people[1].does[1].elbow"), "90.0)),");
        assert_eq!(found_at(ROOM, "people[1].does[2][1]"), "(7, 8)]),");
        assert_eq!(found_at(ROOM, "people[1].does[2][1][1]"), "8)]),");
        assert_eq!(found_at(ROOM, "people[1].does[3][1]"), "2.5),");
    }

    #[test]
    fn keys_of_maps_are_found_however_they_are_written() {
        assert_eq!(found_at(ROOM, "by_name[Monday].from"), "8), 3: \"three\" },");
        assert_eq!(found_at(ROOM, "by_name[3]"), "\"three\" },");
    }

    #[test]
    fn what_is_not_in_the_text_is_its_nearest_ancestor() {
        assert_eq!(found_at(ROOM, "people[0].does[1].speed"), "Walk(to: (1, 2))]),");
        assert_eq!(found_at(ROOM, "people[0].height"), r#"(name: "Ada", does: [Sit, Walk(to: (1, 2))]),"#);
        assert_eq!(found_at(ROOM, "people[7].name"), "[");
        assert_eq!(found_at(ROOM, "light.lux"), "Room(");
        assert_eq!(found_at(ROOM, ""), "Room(");
    }

    #[test]
    fn a_path_survives_being_split_and_written() {
        for path in ["", "a", "a.b", "people[2].does[1].to", "a[0][1].b"] {
            assert_eq!(dotted(&steps(path)), path);
        }
    }
}
