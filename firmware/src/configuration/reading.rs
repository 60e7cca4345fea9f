//! Reading settings from JSON so that all mistakes are found at once.
//!
//! serde ends at the first. Here each type of setting reads itself, and notes by its path what is wrong with it. What cannot be read is replaced
//! by something of its kind, so that what is beside it is read and judged all the same; what is then found wrong for the sake of a replacement alone is
//! no mistake of the person's, and is left out.

use std::net::Ipv4Addr;
use std::num::{NonZeroU16, NonZeroU32};

use glam::DVec2;

use super::json::Json;
use super::problem::{Finding, Problem};

/// A kind of setting that can be read.
pub(super) trait Read: Sized {
    /// The setting, or `None` when it cannot be what is written there, which the place has been told.
    fn read(json: &Json, place: &mut Place) -> Option<Self>;
}

/// A kind of setting that has no default, and needs something in its place where it is missing or cannot be read.
pub(super) trait StandIn: Read {
    /// Something that nobody would write, where that matters to what is beside it.
    fn stand_in() -> Self;
}

/// What is found while a document is read.
#[derive(Default)]
pub(super) struct Reading {
    pub problems: Vec<Problem>,
    /// The paths of what is not as the person wrote it.
    replaced: Vec<String>,
}

impl Reading {
    /// The beginning of a document, or of a part whose settings are named without it.
    pub fn begin(&mut self, name: &str) -> Place<'_> {
        Place { path: name.to_owned(), is_told: false, reading: self }
    }

    /// Whether what was found is about what the person wrote, and not about a replacement.
    pub fn is_real(&self, finding: &Finding) -> bool {
        let is_within = |path: &str, place: &str| {
            path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let concerns = |replaced: &str| {
            is_within(&finding.problem.path, replaced)
                || finding.about.iter().any(|about| is_within(about, replaced) || is_within(replaced, about))
        };
        !self.replaced.iter().any(|replaced| concerns(replaced))
    }
}

/// A place in the document.
pub(super) struct Place<'r> {
    path: String,
    /// Whether the path of what is in it begins with its own.
    is_told: bool,
    reading: &'r mut Reading,
}

impl Place<'_> {
    /// Notes what is wrong here. There is no value, then.
    pub fn wrong<T>(&mut self, message: impl Into<String>) -> Option<T> {
        self.reading.problems.push(Problem { path: self.path.clone(), message: message.into() });
        None
    }

    fn within(&mut self, step: String) -> Place<'_> {
        let path = match (self.is_told, step.starts_with('[')) {
            (false, _) => step,
            (true, true) => format!("{}{step}", self.path),
            (true, false) => format!("{}.{step}", self.path),
        };
        Place { path, is_told: true, reading: self.reading }
    }

    fn field(&mut self, name: &str) -> Place<'_> {
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        self.within(if is_plain { name.to_owned() } else { format!("[{name:?}]") })
    }

    fn item(&mut self, index: usize) -> Place<'_> {
        self.within(format!("[{index}]"))
    }

    /// Reads what is here, or replaces it.
    pub fn read<T: Read>(&mut self, json: &Json, otherwise: impl FnOnce() -> T) -> T {
        T::read(json, self).unwrap_or_else(|| {
            self.reading.replaced.push(self.path.clone());
            otherwise()
        })
    }

    /// The settings of a group; `None` when there is no group here.
    pub fn group<T>(&mut self, json: &Json, read: impl FnOnce(&mut Group) -> T) -> Option<T> {
        let Json::Object(settings) = json else {
            return self.wrong(format!("must be settings in braces `{{…}}`, not {json}"));
        };
        let mut group = Group { settings, known: vec![], refused: vec![], place: self.within_same() };
        let read = read(&mut group);
        group.end();
        Some(read)
    }

    fn within_same(&mut self) -> Place<'_> {
        Place { path: self.path.clone(), is_told: self.is_told, reading: self.reading }
    }

    /// The name of a choice, and its settings if it has any: it is written as its name, or as `{"name": {settings}}`.
    pub fn choice<'j>(
        &mut self,
        json: &'j Json,
        plain: &[&'static str],
        with_settings: &[&'static str],
    ) -> Option<(&'static str, &'j Json)> {
        let named = |names: &[&'static str], name: &str| names.iter().find(|known| **known == name).copied();
        let chosen = match json {
            Json::Text(name) => named(plain, name).map(|name| (name, &Json::Null)),
            Json::Object(settings) => match settings.as_slice() {
                [(name, settings)] => named(with_settings, name).map(|name| (name, settings)),
                _ => None,
            },
            _ => None,
        };
        let plain = plain.iter().map(|name| format!("`{name}`"));
        let forms: Vec<String> = plain.chain(with_settings.iter().map(|name| format!("`{{\"{name}\": …}}`"))).collect();
        chosen.or_else(|| self.wrong(format!("must be {}, not {json}", one_of(&forms))))
    }

    /// One of some names.
    pub fn name<T: Copy>(&mut self, json: &Json, names: &[(&'static str, T)]) -> Option<T> {
        let plain: Vec<&'static str> = names.iter().map(|(name, _)| *name).collect();
        let (name, _) = self.choice(json, &plain, &[])?;
        names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Something written as text; `expected`: what, if it is no text at all.
    pub fn text<T: TryFrom<String, Error = String>>(&mut self, json: &Json, expected: &str) -> Option<T> {
        match json {
            Json::Text(text) => self.accept(T::try_from(text.clone())),
            _ => self.wrong(format!("must be {expected}, not {json}")),
        }
    }

    /// Something written as a whole number; `range`: between which, if it is none at all.
    pub fn whole<T: TryFrom<i64, Error = String>>(&mut self, json: &Json, range: &str) -> Option<T> {
        self.number_within(json, range, T::try_from)
    }

    /// The same by a function.
    pub fn number_within<T>(
        &mut self,
        json: &Json,
        range: &str,
        judge: impl FnOnce(i64) -> Result<T, String>,
    ) -> Option<T> {
        match json {
            Json::Number(number) if number.is_i64() => self.accept(judge(number.as_i64().unwrap_or_default())),
            _ => self.wrong(format!("must be a whole number, {range}, not {json}")),
        }
    }

    /// What was judged elsewhere.
    pub fn accept<T>(&mut self, judged: Result<T, String>) -> Option<T> {
        judged.map_or_else(|words| self.wrong(words), Some)
    }

    /// Points in normalised image coordinates. Where some are not, it is still judged whether there can be so many.
    pub fn points<T: TryFrom<Vec<DVec2>, Error = String>>(&mut self, json: &Json) -> Option<T> {
        let before = self.reading.problems.len();
        let points: Vec<Point> = Read::read(json, self)?;
        if self.reading.problems.len() == before {
            return self.accept(T::try_from(points.into_iter().map(|Point(point)| point).collect()));
        }
        // There is nothing wrong with a regular shape but the number of its corners.
        let corner = |i: usize| 0.5 + 0.4 * DVec2::from_angle(std::f64::consts::TAU * i as f64 / points.len() as f64);
        self.accept(T::try_from((0..points.len()).map(corner).collect()))?;
        None
    }
}

/// A group of settings.
pub(super) struct Group<'j, 'p> {
    settings: &'j [(String, Json)],
    /// All that were asked for.
    known: Vec<&'static str>,
    /// What was refused by name.
    refused: Vec<&'static str>,
    place: Place<'p>,
}

impl<'j> Group<'j, '_> {
    /// A setting that can be left out.
    pub fn or<T: Read>(&mut self, name: &'static str, default: T) -> T {
        match self.find(name) {
            Some(json) => self.place.field(name).read(json, || default),
            None => default,
        }
    }

    /// A setting that cannot.
    pub fn must<T: StandIn>(&mut self, name: &'static str) -> T {
        match self.find(name) {
            Some(json) => self.place.field(name).read(json, T::stand_in),
            None => {
                let mut place = self.place.field(name);
                place.reading.replaced.push(place.path.clone());
                place.wrong("is missing").unwrap_or_else(T::stand_in)
            }
        }
    }

    /// A part that cannot be left out, whose settings are named without it.
    pub fn part<T: Read + Default>(&mut self, name: &'static str) -> T {
        let json = self.find(name);
        let mut place = self.place.field(name);
        place.is_told = false;
        match json {
            Some(json) => place.read(json, T::default),
            None => place.wrong("is missing").unwrap_or_default(),
        }
    }

    /// Something that is no setting, and people may think it were.
    pub fn refuse(&mut self, name: &'static str, message: &str) {
        if self.settings.iter().any(|(key, _)| key == name) {
            self.place.field(name).wrong::<()>(message);
            self.refused.push(name);
        }
    }

    /// What is written for a setting; if it is given twice, the last.
    fn find(&mut self, name: &'static str) -> Option<&'j Json> {
        self.known.push(name);
        self.settings.iter().rfind(|(key, _)| key == name).map(|(_, json)| json)
    }

    /// Names what was not asked for, and what is given twice.
    fn end(mut self) {
        let known: Vec<String> = self.known.iter().map(|name| format!("`{name}`")).collect();
        for (i, (key, _)) in self.settings.iter().enumerate() {
            let (before, after) = (&self.settings[..i], &self.settings[i + 1..]);
            let is_same = |(other, _): &(String, Json)| other == key;
            if before.iter().any(is_same) {
                continue;
            }
            let mut place = self.place.field(key);
            if !self.known.contains(&key.as_str()) && !self.refused.contains(&key.as_str()) {
                place.wrong::<()>(format!("is no setting: expected {}", one_of(&known)));
            }
            if after.iter().any(is_same) {
                place.reading.replaced.push(place.path.clone());
                place.wrong::<()>("is given twice");
            }
        }
    }
}

/// `a`, `b` or `c`.
pub(super) fn one_of(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

impl Read for bool {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let Json::Bool(value) = json else { return place.wrong(format!("must be true or false, not {json}")) };
        Some(*value)
    }
}

impl Read for String {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let Json::Text(text) = json else { return place.wrong(format!("must be text, not {json}")) };
        Some(text.clone())
    }
}

impl StandIn for String {
    fn stand_in() -> Self {
        String::new()
    }
}

impl Read for f64 {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::Number(number) => number.as_f64(),
            _ => place.wrong(format!("must be a number, not {json}")),
        }
    }
}

impl Read for NonZeroU16 {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let judge = |number: i64| {
            let number = u16::try_from(number).ok().and_then(NonZeroU16::new);
            number.ok_or_else(|| format!("must be a whole number, 1 to 65535, not {json}"))
        };
        place.number_within(json, "1 to 65535", judge)
    }
}

impl Read for NonZeroU32 {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let judge = |number: i64| {
            let number = u32::try_from(number).ok().and_then(NonZeroU32::new);
            number.ok_or_else(|| format!("must be a whole number, 1 to {}, not {json}", u32::MAX))
        };
        place.number_within(json, "1 to 4294967295", judge)
    }
}

impl StandIn for NonZeroU32 {
    fn stand_in() -> Self {
        NonZeroU32::MAX
    }
}

impl Read for Ipv4Addr {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::Text(text) => place.accept(super::device::ip_address(text)),
            _ => place.wrong(format!("must be an address such as `192.168.5.220`, not {json}")),
        }
    }
}

/// What can be left out as null.
impl<T: Read> Read for Option<T> {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::Null => Some(None),
            _ => T::read(json, place).map(Some),
        }
    }
}

/// Items that cannot be read are replaced, so that there are as many as the person wrote.
impl<T: StandIn> Read for Vec<T> {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        let Json::List(items) = json else { return place.wrong(format!("must be a list `[…]`, not {json}")) };
        Some(items.iter().enumerate().map(|(i, item)| place.item(i).read(item, T::stand_in)).collect())
    }
}

/// A point in normalised image coordinates.
struct Point(DVec2);

impl Read for Point {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::List(items) if items.len() == 2 => {
                let mut at = |i: usize| place.item(i).read(&items[i], || Coordinate(0.5));
                Some(Point(DVec2::new(at(0).0, at(1).0)))
            }
            _ => place.wrong(format!("must be a point, x and y from 0 to 1 such as `[0.25, 0.5]`, not {json}")),
        }
    }
}

impl StandIn for Point {
    fn stand_in() -> Self {
        Point(DVec2::splat(0.5))
    }
}

/// One of a point's two.
struct Coordinate(f64);

impl Read for Coordinate {
    fn read(json: &Json, place: &mut Place) -> Option<Self> {
        match json {
            Json::Number(number) => {
                let is_in_image = number.as_f64().filter(|at| (0.0..=1.0).contains(at));
                is_in_image
                    .map(Coordinate)
                    .or_else(|| place.wrong(format!("is outside the image: must be from 0 to 1, not {json}")))
            }
            _ => place.wrong(format!("must be a number from 0 to 1, not {json}")),
        }
    }
}
