//! The detection line (guide §5.3.2, §6.3): in the middle, across the way people walk, with room on both sides.

use glam::DVec2;

use super::{Found, Recommended, Site, Units, Weight};

/// Somebody must be seen for so long before and after the line, m: about a step. A decision; the device itself needs 0.15 m.
const MARGIN_M: f64 = 0.8;
/// A line whose middle is farther from the sensor than this part of the range's shorter side is not in the middle. A decision.
const OFF_CENTRE: f64 = 0.2;
/// A way that leans from straight across by more than this is not perpendicular, degrees. A decision.
const ASLANT_DEG: f64 = 30.0;
/// People are looked at this often for so long, s.
const LOOK_S: f64 = 0.2;
const LOOK_FOR_S: f64 = 120.0;

pub(super) fn look(site: &Site, recommended: Option<&Recommended>, units: Units, found: &mut Found) {
    let crossing = &site.configuration.line_crossing_counting;
    let Some(line) = crossing.line.as_ref().filter(|_| crossing.enable) else { return };
    let view = site.view();
    let picture = DVec2::new(f64::from(view.lens.width), f64::from(view.lens.height));
    let on_floor =
        |point: &DVec2| view.point_at_height(*point * picture, 0.0).map(|point| site.sensor_at + point.truncate());
    let points: Option<Vec<DVec2>> = line.points().iter().map(on_floor).collect();
    let Some(points) = points else {
        let words = "The detection line reaches beyond the floor that is in the picture.".to_owned();
        return found.add(Weight::Problem, "line-off-the-floor", "§5.3.2", words);
    };
    let (first, last) = (points[0], points[points.len() - 1]);
    let middle = (first + last) / 2.0;
    let shorter_m = recommended.map_or(f64::MAX, |recommended| recommended.size_m[0].min(recommended.size_m[1]));
    let off_m = middle.distance(site.sensor_at);
    if off_m > OFF_CENTRE * shorter_m {
        let words = format!(
            "The middle of the detection line is {} from below the sensor: draw it through the middle of the detection area.",
            units.length(off_m)
        );
        found.add(Weight::Warning, "line-off-centre", "§5.3.2", words);
    }
    let normal = (last - first).perp().normalize_or_zero();
    let room = site.room_m();
    let has_room = |place: DVec2| {
        let is_in_room = place.cmpge(DVec2::ZERO).all() && place.cmple(room).all();
        is_in_room && recommended.is_none_or(|recommended| recommended.contains(place))
    };
    for (side, sign) in [("before", -1.0), ("behind", 1.0)] {
        if !points.iter().all(|point| has_room(*point + normal * sign * MARGIN_M)) {
            let words = format!(
                "There is less than {} of the detection range {side} the line along its arrow: people must be seen for a step on both sides.",
                units.length(MARGIN_M)
            );
            found.add(Weight::Warning, "line-without-margin", "§6.3", words);
        }
    }
    if let Some(lean_deg) = lean_deg(site, &points)
        && lean_deg > ASLANT_DEG
    {
        let words = format!(
            "People of the scene cross the line {lean_deg:.0}° from straight across, on average: draw it perpendicular to their way."
        );
        found.add(Weight::Warning, "line-aslant", "§5.3.2", words);
    }
}

/// How far from straight across people cross a line on average, degrees; `None` when nobody does.
fn lean_deg(site: &Site, line: &[DVec2]) -> Option<f64> {
    let mut leans = Vec::new();
    for index in 0..site.scene.people.len() {
        let looks = (0..(LOOK_FOR_S / LOOK_S) as u32).map(|i| site.scene.floor_until(index, f64::from(i) * LOOK_S).0);
        let places: Vec<Option<DVec2>> = looks.collect();
        for (from, to) in places.iter().zip(&places[1..]).filter_map(|(from, to)| Some(((*from)?, (*to)?))) {
            for ends in line.windows(2) {
                let (way, along) = (to - from, ends[1] - ends[0]);
                let side = |place: DVec2| along.perp_dot(place - ends[0]);
                let end = |place: DVec2| way.perp_dot(place - from);
                if side(from) * side(to) < 0.0 && end(ends[0]) * end(ends[1]) < 0.0 {
                    let straight = way.normalize().perp_dot(along.normalize()).abs();
                    leans.push(90.0 - straight.clamp(0.0, 1.0).asin().to_degrees());
                }
            }
        }
    }
    (!leans.is_empty()).then(|| leans.iter().sum::<f64>() / leans.len() as f64)
}
