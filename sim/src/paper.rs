//! Drawings as pictures and as pages to print.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::usvg::{Options, Tree, fontdb};
use resvg::{render, tiny_skia};

/// The type that comes with the program.
const TYPE: &str = "DejaVu Sans";
/// Of a picture, per inch of paper.
const DOTS_PER_INCH: f32 = 144.0;
/// Of SVG's own unit, per inch (CSS 2.1 §4.3.2).
const UNITS_PER_INCH: f32 = 96.0;
/// Of PDF's, per inch.
const POINTS_PER_INCH: f32 = 72.0;

/// A drawing in SVG, with type that is the same on every machine.
fn tree(svg: &str) -> anyhow::Result<Tree> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    // Whatever a drawing asks for, and floor plans of others ask for anything.
    fonts.set_sans_serif_family(TYPE);
    fonts.set_serif_family(TYPE);
    fonts.set_monospace_family(TYPE);
    let options = Options { fontdb: Arc::new(fonts), font_family: TYPE.to_owned(), ..Options::default() };
    Tree::from_str(svg, &options).context("failed to read the drawing")
}

/// As a PNG of 144 dots per inch.
pub fn png(svg: &str) -> anyhow::Result<Vec<u8>> {
    let tree = tree(svg)?;
    let scale = DOTS_PER_INCH / UNITS_PER_INCH;
    let size = tree.size();
    let pixels = [size.width(), size.height()].map(|length| (length * scale).ceil() as u32);
    let mut picture = tiny_skia::Pixmap::new(pixels[0], pixels[1]).ok_or_else(|| anyhow!("the drawing has no size"))?;
    render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().context("failed to encode the picture")
}

/// As a PDF of one page, whose text can be searched.
pub fn pdf(svg: &str, title: &str) -> anyhow::Result<Vec<u8>> {
    let tree = tree(svg)?;
    let points = |length: f32| length / UNITS_PER_INCH * POINTS_PER_INCH;
    let size = Size::from_wh(points(tree.size().width()), points(tree.size().height()));
    let size = size.ok_or_else(|| anyhow!("the drawing has no size"))?;
    let mut document = krilla::Document::new();
    document.set_metadata(Metadata::new().title(title.to_owned()));
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(&tree, size, SvgSettings::default()).ok_or_else(|| anyhow!("failed to draw the page"))?;
    surface.finish();
    page.finish();
    document.finish().map_err(|error| anyhow!("failed to make the PDF: {error:?}"))
}
