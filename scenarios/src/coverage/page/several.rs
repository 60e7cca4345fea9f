//! Several sensors on one page.

use svg::Document;

use super::plan::{Plan, Shade};
use super::sheet::Sheet;
use super::{
    FAINT, HEADING, MARGIN_MM, PAPER_MM, SMALL, STRONG, Signed, TEXT, WIDTH_MM, advice, assumptions, header, signature,
};
use crate::coverage::{Advice, Coverage, Site, Suggestion, Together, Units};

/// The plan is so high at most.
const PLAN_MM: f64 = 96.0;

const SHADES: [(&str, &str); 3] =
    [("#f2bcb4", "not covered"), ("#bfe3c6", "covered by one sensor"), ("#7fb8d8", "by two or more")];

/// One page of sensors and what they cover together; `suggestion` is where they are from, if it was asked for.
pub fn page_of_several(
    sensors: &[(Site, Coverage)],
    together: &Together,
    suggestion: Option<&Suggestion>,
    units: Units,
    signed: &Signed,
) -> Document {
    let mut sheet = Sheet::new(PAPER_MM);
    let Some((first, _)) = sensors.first() else { return sheet.finish() };
    let facts = [
        format!("{} × {} ({})", sensors.len(), first.profile.model, first.profile_name),
        format!("lens {} above the floor", units.length(first.mounting.height_m)),
        format!("{:.0} lx", first.scene.light.lux),
    ];
    header(&mut sheet, first, &facts);
    let plan = Plan::fitting(first.room_m(), (MARGIN_MM + 6.0, 32.0), (WIDTH_MM - 6.0, PLAN_MM));
    plan.shade(&mut sheet, together.cell_m, &together.covered_by, |count| shade(*count));
    plan.furnish(&mut sheet, first);
    for (_, coverage) in sensors {
        let range = coverage.recommended.as_ref().map(|recommended| recommended.corners_m.to_vec());
        plan.outline(&mut sheet, range.as_ref().unwrap_or(&coverage.seated.corners_m), "#d9730d", true);
    }
    for (i, (site, _)) in sensors.iter().enumerate() {
        plan.numbered(&mut sheet, site, i + 1);
    }
    plan.measures(&mut sheet, units);
    let y = plan.bottom() + 11.0;
    let mut x = MARGIN_MM;
    for (color, words) in SHADES {
        sheet.rect((x, y - 2.4), (4.2, 3.0), Some(color), Some(FAINT));
        x = sheet.text(x + 5.4, y, words, SMALL) + 4.0;
    }
    sheet.line(&[(x, y - 0.9), (x + 7.0, y - 0.9)], "#d9730d", 0.5, true);
    sheet.text(x + 8.2, y, "range of each (§6.1)", SMALL);
    let mut y = table(&mut sheet, y + 8.0, sensors, together, units);
    if let Some(suggestion) = suggestion {
        sheet.text(MARGIN_MM, y + 3.0, "Why so many", HEADING);
        y = sheet.paragraph((MARGIN_MM, y + 8.0), WIDTH_MM, &format!("Sensors: {}.", suggestion.reason()), TEXT) + 2.0;
    }
    let numbered: Vec<Advice> = (sensors.iter().enumerate())
        .flat_map(|(i, (_, coverage))| {
            let words =
                move |advice: &Advice| Advice { words: format!("{}: {}", i + 1, advice.words), ..advice.clone() };
            coverage.advice.iter().map(words)
        })
        .collect();
    let y = advice(&mut sheet, y + 3.0, &numbered);
    assumptions(&mut sheet, y + 3.0, first);
    signature(&mut sheet, signed);
    sheet.finish()
}

fn shade(covered_by: Option<u32>) -> Shade {
    Some(SHADES[covered_by?.min(2) as usize].0)
}

fn table(sheet: &mut Sheet, y: f64, sensors: &[(Site, Coverage)], together: &Together, units: Units) -> f64 {
    let columns = [MARGIN_MM, MARGIN_MM + 22.0, MARGIN_MM + 62.0, MARGIN_MM + 84.0, MARGIN_MM + 124.0];
    sheet.text(MARGIN_MM, y, "Sensors", HEADING);
    let mut y = y + 5.5;
    for (x, words) in columns.iter().zip(["", "hangs at", "turned", "recommended range", "of it in the room"]) {
        sheet.text(*x, y, words, SMALL);
    }
    for (i, (site, coverage)) in sensors.iter().enumerate() {
        y += 4.6;
        sheet.line(&[(MARGIN_MM, y - 3.4), (PAPER_MM.0 - MARGIN_MM, y - 3.4)], "#d5dbe2", 0.2, false);
        sheet.text(columns[0], y, &format!("Sensor {}", i + 1), STRONG);
        sheet.text(columns[1], y, &units.place(site.sensor_at.into()), TEXT);
        sheet.text(columns[2], y, &format!("{:.0}°", site.mounting.rotation_rad.to_degrees()), TEXT);
        if let Some(recommended) = &coverage.recommended {
            sheet.text(columns[3], y, &units.size(recommended.size_m), TEXT);
            sheet.text(columns[4], y, &units.area(recommended.area_m2), TEXT);
        }
    }
    y += 7.0;
    let words = format!(
        "Together they cover {} of {} where somebody can be ({:.0} %); {} is left out, {} is covered twice or more.",
        units.area(together.covered_m2),
        units.area(together.wanted_m2),
        100.0 * together.share(),
        units.area(together.gap_m2()),
        units.area(together.overlap_m2)
    );
    sheet.paragraph((MARGIN_MM, y), WIDTH_MM, &words, TEXT) + 1.0
}
