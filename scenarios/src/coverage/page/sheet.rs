//! A sheet of paper: lines, rectangles and text in SVG.

use svg::node::element::{Circle, ClipPath, Group, Image, Path, Polyline, Rectangle, Text};
use svg::{Document, Node};

/// How text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub size_mm: f64,
    pub color: &'static str,
    pub is_bold: bool,
}

/// A place on the paper, millimetres from its top left.
pub(super) type At = (f64, f64);

pub(super) struct Sheet {
    document: Document,
    clips: usize,
}

/// How wide a character is on average, in sizes of the type. Of the sans serif that the page is set in.
const CHARACTER: f64 = 0.545;
const BOLD_CHARACTER: f64 = 0.62;
const UNITS: [&str; 9] = ["m.", "m,", "m:", "m and", "ft.", "ft,", "ft:", "lx", "%"];
/// From one line of a paragraph to the next, in sizes of the type.
const LEADING: f64 = 1.4;

impl Sheet {
    pub fn new((width, height): (f64, f64)) -> Self {
        let document = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", format!("{width}mm"))
            .set("height", format!("{height}mm"))
            .set("font-family", "DejaVu Sans, Verdana, sans-serif");
        let mut sheet = Sheet { document, clips: 0 };
        sheet.rect((0.0, 0.0), (width, height), Some("#ffffff"), None);
        sheet
    }

    pub fn finish(self) -> Document {
        self.document
    }

    fn add(&mut self, node: impl Into<Box<dyn Node>>) {
        self.document.append(node);
    }

    pub fn rect(&mut self, (x, y): At, (width, height): (f64, f64), fill: Option<&str>, stroke: Option<&str>) {
        let mut rectangle = Rectangle::new()
            .set("x", mm(x))
            .set("y", mm(y))
            .set("width", mm(width))
            .set("height", mm(height))
            .set("fill", fill.unwrap_or("none"));
        if let Some(stroke) = stroke {
            rectangle = rectangle.set("stroke", stroke).set("stroke-width", 0.15);
        }
        self.add(rectangle);
    }

    pub fn line(&mut self, points: &[At], color: &str, width_mm: f64, is_dashed: bool) {
        self.add(polyline(points, color, width_mm, is_dashed));
    }

    /// A picture of which only what is inside a rectangle shows, and all that is under it shows through.
    pub fn picture(&mut self, data_uri: &str, (at, size): (At, (f64, f64)), within: (At, (f64, f64))) {
        let id = self.clip(within);
        let picture = Image::new().set("href", data_uri).set("x", mm(at.0)).set("y", mm(at.1));
        let picture = picture.set("width", mm(size.0)).set("height", mm(size.1)).set("preserveAspectRatio", "none");
        let group = Group::new().set("clip-path", format!("url(#{id})")).set("style", "mix-blend-mode:multiply");
        self.add(group.set("opacity", 0.6).add(picture));
    }

    /// A line of which only what is inside a rectangle shows.
    pub fn clipped(&mut self, points: &[At], within: (At, (f64, f64)), color: &str, width_mm: f64, is_dashed: bool) {
        let id = self.clip(within);
        let line = polyline(points, color, width_mm, is_dashed);
        self.add(Group::new().set("clip-path", format!("url(#{id})")).add(line));
    }

    /// An edge that ends what is drawn at a rectangle; gives its name.
    fn clip(&mut self, (at, size): (At, (f64, f64))) -> String {
        self.clips += 1;
        let id = format!("clip-{}", self.clips);
        let edge = Rectangle::new().set("x", mm(at.0)).set("y", mm(at.1));
        let edge = edge.set("width", mm(size.0)).set("height", mm(size.1));
        self.add(ClipPath::new().set("id", id.as_str()).add(edge));
        id
    }

    pub fn area(&mut self, points: &[At], fill: &str, stroke: &str) {
        let steps: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", mm(*x), mm(*y))).collect();
        let path = Path::new().set("d", format!("M{}Z", steps.join("L")));
        self.add(path.set("fill", fill).set("stroke", stroke).set("stroke-width", 0.15));
    }

    pub fn circle(&mut self, (x, y): At, radius_mm: f64, fill: &str, stroke: &str) {
        let circle = Circle::new().set("cx", mm(x)).set("cy", mm(y)).set("r", mm(radius_mm));
        self.add(circle.set("fill", fill).set("stroke", stroke).set("stroke-width", 0.2));
    }

    /// A line of text; gives about where it ends.
    pub fn text(&mut self, x: f64, y: f64, words: &str, style: Style) -> f64 {
        self.add(text(words, style).set("x", mm(x)).set("y", mm(y)));
        x + width_mm(words, style)
    }

    /// A line of text around a place, turned counter-clockwise.
    pub fn text_about(&mut self, (x, y): At, words: &str, style: Style, turned_deg: f64) {
        let turn = format!("rotate({} {} {})", -turned_deg, mm(x), mm(y));
        self.add(
            text(words, style).set("x", mm(x)).set("y", mm(y)).set("text-anchor", "middle").set("transform", turn),
        );
    }

    /// Text in lines of at most `wide_mm`; gives where the next line would be.
    pub fn paragraph(&mut self, (x, y): At, wide_mm: f64, words: &str, style: Style) -> f64 {
        let mut y = y;
        let mut line = String::new();
        // A number and its unit stay together.
        let words = UNITS
            .iter()
            .fold(words.to_owned(), |words, unit| words.replace(&format!(" {unit}"), &format!("\u{a0}{unit}")));
        for word in words.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if width_mm(&longer, style) > wide_mm && !line.is_empty() {
                self.text(x, y, &line, style);
                y += LEADING * style.size_mm;
                line = word.to_owned();
            } else {
                line = longer;
            }
        }
        self.text(x, y, &line, style);
        y + LEADING * style.size_mm
    }
}

fn text(words: &str, style: Style) -> Text {
    let weight = if style.is_bold { "bold" } else { "normal" };
    Text::new(words).set("font-size", style.size_mm).set("font-weight", weight).set("fill", style.color)
}

fn polyline(points: &[At], color: &str, width_mm: f64, is_dashed: bool) -> Polyline {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", mm(*x), mm(*y))).collect();
    let line = Polyline::new().set("points", points.join(" ")).set("fill", "none").set("stroke", color);
    let line = line.set("stroke-width", width_mm).set("stroke-linejoin", "round");
    if is_dashed { line.set("stroke-dasharray", "1.6 1.1") } else { line }
}

fn width_mm(words: &str, style: Style) -> f64 {
    let character = if style.is_bold { BOLD_CHARACTER } else { CHARACTER };
    words.chars().count() as f64 * character * style.size_mm
}

/// To a hundredth, which is finer than paper.
fn mm(length: f64) -> f64 {
    (length * 100.0).round() / 100.0
}
