//! Coverage as a page for people: plan, table, advice, and where to sign. A4, upright; lengths of the drawing are millimetres of paper.

mod plan;
mod several;
mod sheet;

use svg::Document;

use super::PLACEMENTS;
use super::{Advice, Coverage, Found, Level, Outline, Prediction, RecommendedFrom, Site, Units, Weight};
use crate::coverage::grid::Cell;
use plan::{Plan, Shade};
pub use several::page_of_several;
use sheet::{Sheet, Style};

/// What stands under a page beside what was calculated.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The day, such as `2026-03-02`.
    pub date: String,
    /// Of the program, such as `twin 0.1.0`.
    pub program: String,
}

const PAPER_MM: (f64, f64) = (210.0, 297.0);
const MARGIN_MM: f64 = 14.0;
const WIDTH_MM: f64 = PAPER_MM.0 - 2.0 * MARGIN_MM;

const INK: &str = "#1d2733";
const FAINT: &str = "#5d6b7a";

const TITLE: Style = Style { size_mm: 6.4, color: INK, is_bold: true };
const HEADING: Style = Style { size_mm: 3.5, color: INK, is_bold: true };
const TEXT: Style = Style { size_mm: 2.75, color: INK, is_bold: false };
const STRONG: Style = Style { size_mm: 2.75, color: INK, is_bold: true };
const SMALL: Style = Style { size_mm: 2.4, color: FAINT, is_bold: false };

/// The plan is so high at most, without predictions below it and with them.
const PLAN_MM: f64 = 108.0;
const SMALLER_PLAN_MM: f64 = 78.0;
/// And those of predictions.
const PREDICTED_MM: f64 = 42.0;

/// One page.
pub fn page(
    site: &Site,
    coverage: &Coverage,
    prediction: Option<&Prediction>,
    units: Units,
    signed: &Signed,
) -> Document {
    let mut sheet = Sheet::new(PAPER_MM);
    let degrees = site.mounting.rotation_rad.to_degrees();
    let facts = [
        format!("{} ({})", site.profile.model, site.profile_name),
        format!(
            "lens {} above the floor, at {}",
            units.length(site.mounting.height_m),
            units.place(site.sensor_at.into())
        ),
        format!("turned {degrees:.0}°"),
        format!("{:.0} lx", site.scene.light.lux),
    ];
    header(&mut sheet, site, &facts);

    let room = site.room_m();
    let plan = Plan::fitting(
        room,
        (MARGIN_MM + 6.0, 32.0),
        (WIDTH_MM - 6.0, if prediction.is_some() { SMALLER_PLAN_MM } else { PLAN_MM }),
    );
    plan.shade(&mut sheet, coverage.grid.cell_m, &coverage.grid.rows, coverage_shade);
    plan.furnish(&mut sheet, site);
    plan.outline(&mut sheet, &coverage.monitored.corners_m, "#2f7fc1", true);
    plan.outline(&mut sheet, &coverage.seated.corners_m, "#1a9a8a", false);
    plan.outline(&mut sheet, &coverage.standing.corners_m, "#173f73", false);
    if let Some(recommended) = &coverage.recommended {
        plan.outline(&mut sheet, &recommended.corners_m, "#d9730d", true);
    }
    plan.line(&mut sheet, site);
    plan.sensor(&mut sheet, site);
    plan.measures(&mut sheet, units);

    let mut y = plan.bottom() + 11.0;
    y = legend(&mut sheet, y, coverage);
    let table_y = y + 7.0;
    let table_end = table(&mut sheet, table_y, coverage, units);
    let light_plan = Plan::fitting(room, (MARGIN_MM + 108.0, table_y + 3.0), (WIDTH_MM - 108.0, 38.0));
    sheet.text(MARGIN_MM + 108.0, table_y, "Illuminance, 0.8 m above the floor", HEADING);
    light_plan.shade(&mut sheet, coverage.grid.cell_m, &coverage.grid.rows, light_shade);
    light_plan.walls(&mut sheet);
    light_plan.sensor(&mut sheet, site);
    let below = light_plan.bottom() + 4.0;
    let mut x = MARGIN_MM + 108.0;
    for (shade, words) in LIGHT_LEGEND {
        sheet.rect((x, below - 2.2), (3.4, 2.6), Some(shade), Some(FAINT));
        x = sheet.text(x + 4.4, below, words, SMALL) + 3.0;
    }
    let mut y = table_end.max(below) + 8.0;
    if let Some(prediction) = prediction {
        y = predicted(&mut sheet, y, site, prediction);
    }
    y = advice(&mut sheet, y, &coverage.advice);
    assumptions(&mut sheet, y + 3.0, site);
    signature(&mut sheet, signed);
    sheet.finish()
}

fn header(sheet: &mut Sheet, site: &Site, facts: &[String]) {
    sheet.text(MARGIN_MM, 20.0, &format!("Coverage of {}", site.name), TITLE);
    sheet.text(MARGIN_MM, 26.0, &facts.join("  ·  "), Style { color: FAINT, ..TEXT });
}

fn coverage_shade(cell: &Cell) -> Shade {
    let levels = [cell.floor, cell.seated, cell.standing];
    match levels {
        _ if cell.seated.is_seen() && cell.standing.is_seen() => Some("#bfe3c6"),
        _ if cell.seated.is_seen() => Some("#e2f0c2"),
        _ if levels.contains(&Level::Hidden) => Some("#f2bcb4"),
        _ if cell.floor.is_seen() => Some("#e3ebf3"),
        _ => None,
    }
}

const LIGHT_LEGEND: [(&str, &str); 4] =
    [("#3d3a5c", "under 20 lx"), ("#b0803a", "20–50 lx"), ("#f2cf63", "50–200 lx"), ("#fdf3cf", "over 200 lx")];

fn light_shade(cell: &Cell) -> Shade {
    let lux = cell.lux?;
    let step = [20.0, 50.0, 200.0].iter().filter(|limit| lux >= **limit).count();
    Some(LIGHT_LEGEND[step].0)
}

fn legend(sheet: &mut Sheet, y: f64, coverage: &Coverage) -> f64 {
    let mut x = MARGIN_MM;
    for (shade, words) in [
        ("#bfe3c6", "heads in sight, seated and standing"),
        ("#e2f0c2", "seated only"),
        ("#e3ebf3", "floor only"),
        ("#f2bcb4", "hidden by furniture"),
    ] {
        sheet.rect((x, y - 2.4), (4.2, 3.0), Some(shade), Some(FAINT));
        x = sheet.text(x + 5.4, y, words, SMALL) + 5.0;
    }
    let y = y + 5.0;
    let mut x = MARGIN_MM;
    let lines = [
        ("#2f7fc1", true, "monitored: the floor"),
        ("#1a9a8a", false, "detection: heads at 1.2 m, seated"),
        ("#173f73", false, "detection: heads at 1.7 m, standing"),
        ("#d9730d", true, "recommended (§6.1)"),
    ];
    for (color, is_dashed, words) in lines.iter().take(if coverage.recommended.is_some() { 4 } else { 3 }) {
        sheet.line(&[(x, y - 0.9), (x + 7.0, y - 0.9)], color, 0.5, *is_dashed);
        x = sheet.text(x + 8.2, y, words, SMALL) + 2.5;
    }
    y
}

fn table(sheet: &mut Sheet, y: f64, coverage: &Coverage, units: Units) -> f64 {
    let columns = [MARGIN_MM, MARGIN_MM + 32.0, MARGIN_MM + 62.0, MARGIN_MM + 82.0];
    sheet.text(MARGIN_MM, y, "What is covered", HEADING);
    let mut y = y + 5.5;
    for (x, words) in columns.iter().zip(["", "width × height", "in the room", "in sight"]) {
        sheet.text(*x, y, words, SMALL);
    }
    let level = |outline: &Outline| outline.size_m.map_or("no end".to_owned(), |size| units.size(size));
    let in_sight = |of: fn(&Cell) -> Level| units.area(coverage.grid.area_m2(|_, cell| of(cell).is_seen()));
    let mut rows = vec![
        [
            "Floor (monitored)".to_owned(),
            level(&coverage.monitored),
            units.area(coverage.monitored.area_m2),
            in_sight(|c| c.floor),
        ],
        [
            "Seated heads".to_owned(),
            level(&coverage.seated),
            units.area(coverage.seated.area_m2),
            in_sight(|c| c.seated),
        ],
        [
            "Standing heads".to_owned(),
            level(&coverage.standing),
            units.area(coverage.standing.area_m2),
            in_sight(|c| c.standing),
        ],
    ];
    if let Some(recommended) = &coverage.recommended {
        let in_sight = coverage.grid.area_m2(|place, cell| recommended.contains(place) && cell.seated.is_seen());
        let name = match recommended.from {
            RecommendedFrom::Row | RecommendedFrom::Between { .. } => "Recommended",
            RecommendedFrom::Beyond { .. } => "(not in the guide)",
        };
        rows.push([
            name.to_owned(),
            units.size(recommended.size_m),
            units.area(recommended.area_m2),
            units.area(in_sight),
        ]);
    }
    for row in rows {
        y += 4.6;
        sheet.line(&[(MARGIN_MM, y - 3.4), (MARGIN_MM + 100.0, y - 3.4)], "#d5dbe2", 0.2, false);
        for (i, (x, words)) in columns.iter().zip(&row).enumerate() {
            sheet.text(*x, y, words, if i == 0 { STRONG } else { TEXT });
        }
    }
    for (what, of) in [("seated", (|cell| cell.seated) as fn(&Cell) -> Level), ("standing", |cell| cell.standing)] {
        let widths: Vec<f64> = coverage.grid.iter().filter_map(|(_, cell)| of(cell).head_px()).collect();
        let (least, most) = widths.iter().fold((f64::MAX, 0.0f64), |(least, most), px| (least.min(*px), most.max(*px)));
        if !widths.is_empty() {
            y += 4.6;
            sheet.text(
                MARGIN_MM,
                y,
                &format!("Heads, {what}: {least:.0} to {most:.0} pixels wide in the picture"),
                TEXT,
            );
        }
    }
    y
}

const FOUND_LEGEND: [(f64, &str, &str); 5] = [
    (0.95, "#5fb878", "95 % and more"),
    (0.9, "#a5d6a0", "90–95 %"),
    (0.75, "#f2e29b", "75–90 %"),
    (0.5, "#f2b077", "50–75 %"),
    (0.0, "#dd7a70", "under 50 %"),
];

fn found_shade(found: Found) -> &'static str {
    let step = FOUND_LEGEND.iter().find(|(from, ..)| found.share() >= *from);
    step.map_or(FOUND_LEGEND[4].1, |(_, color, _)| color)
}

/// Two plans of who is found where.
fn predicted(sheet: &mut Sheet, y: f64, site: &Site, prediction: &Prediction) -> f64 {
    let half = WIDTH_MM / 2.0;
    let mut bottom = y;
    for (i, (who, found)) in [("sit", &prediction.seated), ("stand", &prediction.standing)].into_iter().enumerate() {
        let x = MARGIN_MM + i as f64 * half;
        let all = found.iter().flatten().flatten().fold(Found::default(), |all, cell| Found {
            placed: all.placed + cell.placed,
            found: all.found + cell.found,
        });
        sheet.text(x, y, &format!("Predicted: people who {who}"), HEADING);
        let (least, most) = all.interval();
        let words = match all.placed {
            0 => "nobody can in the picture".to_owned(),
            placed => format!(
                "{:.1} % of {placed} found (95 %: {:.1} to {:.1} %)",
                100.0 * all.share(),
                100.0 * least,
                100.0 * most
            ),
        };
        sheet.text(x, y + 4.2, &words, SMALL);
        let plan = Plan::fitting(site.room_m(), (x, y + 6.5), (half - 8.0, PREDICTED_MM));
        plan.found(sheet, prediction, found, found_shade);
        plan.walls(sheet);
        plan.sensor(sheet, site);
        bottom = plan.bottom();
    }
    let (y, mut x) = (bottom + 4.5, MARGIN_MM);
    for (_, shade, words) in FOUND_LEGEND {
        sheet.rect((x, y - 2.2), (3.4, 2.6), Some(shade), Some(FAINT));
        x = sheet.text(x + 4.4, y, words, SMALL) + 3.0;
    }
    sheet.text(x + 2.0, y, &format!("found of {PLACEMENTS} or more in each cell"), SMALL);
    y + 8.0
}

fn advice(sheet: &mut Sheet, y: f64, advice: &[Advice]) -> f64 {
    sheet.text(MARGIN_MM, y, "Before drilling", HEADING);
    let mut y = y + 5.0;
    if advice.is_empty() {
        sheet.text(MARGIN_MM, y, "Nothing in the guide speaks against it.", TEXT);
        return y + 5.0;
    }
    for Advice { weight, section, words, .. } in advice {
        let color = match weight {
            Weight::Problem => "#b3261e",
            Weight::Warning => "#d9730d",
            Weight::Hint => "#2f7fc1",
        };
        sheet.rect((MARGIN_MM, y - 2.3), (1.6, 2.8), Some(color), None);
        sheet.text(PAPER_MM.0 - MARGIN_MM - 12.0, y, section, SMALL);
        y = sheet.paragraph((MARGIN_MM + 3.4, y), WIDTH_MM - 18.0, words, TEXT) + 1.2;
    }
    y
}

fn assumptions(sheet: &mut Sheet, y: f64, site: &Site) {
    let degrees = site.profile.optics.horizontal_angle_deg;
    let words = format!(
        "Calculated, not measured. The maker publishes no lens: its angle across the picture is assumed, {degrees:.0}°. Recommended ranges, heights and \
         levels of light are those of the VS121-P user guide, V1.3 (§6.1 to §6.4); ranges between its rows lie on a straight line. Heads are taken to be \
         1.2 m (seated) and 1.7 m (standing) above the floor. Furniture and doors are as in the scene. Independent of the sensor's maker."
    );
    sheet.text(MARGIN_MM, y, "Assumptions", HEADING);
    sheet.paragraph((MARGIN_MM, y + 4.4), WIDTH_MM, &words, SMALL);
}

fn signature(sheet: &mut Sheet, signed: &Signed) {
    let y = PAPER_MM.1 - 16.0;
    for (x, words) in [(MARGIN_MM, "Place, date"), (MARGIN_MM + 64.0, "Name"), (MARGIN_MM + 128.0, "Signature")] {
        sheet.line(&[(x, y), (x + 54.0, y)], FAINT, 0.25, false);
        sheet.text(x, y + 3.6, words, SMALL);
    }
    sheet.text(MARGIN_MM, PAPER_MM.1 - 6.5, &format!("{}  ·  {}", signed.program, signed.date), SMALL);
}
