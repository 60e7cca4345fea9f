//! How far the picture reaches, and the range the guide recommends.

use glam::DVec2;
use serde::Serialize;

use super::Site;

/// What a picture shows of a level above the floor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outline {
    /// Of the level above the floor, metres.
    pub height_m: f64,
    /// Along the picture's width and along its height through its middle, metres, where both ends look down on the level; else `None`.
    pub size_m: Option<[f64; 2]>,
    /// Its outline in the room, metres: counter-clockwise, not closed, walls left out of account. Empty when the level is not looked down on.
    pub corners_m: Vec<[f64; 2]>,
    /// Of it within the room's walls, square metres.
    pub area_m2: f64,
}

/// Points that each border of the picture is looked at in.
const POINTS: u32 = 32;
/// Farther than this no border is followed, m: at the horizon there would be no end.
const FAR_M: f64 = 100.0;

impl Outline {
    pub(super) fn of(site: &Site, height_m: f64) -> Self {
        let view = site.view();
        let (width, height) = (f64::from(view.lens.width), f64::from(view.lens.height));
        let at = |pixel: DVec2| {
            let place = view.point_at_height(pixel, height_m)?.truncate();
            (place.length() <= FAR_M).then(|| site.sensor_at + place)
        };
        let middle = DVec2::new(width, height) / 2.0;
        let across = |along: DVec2| Some(at(middle - along)?.distance(at(middle + along)?));
        let size_m =
            across(DVec2::new(width / 2.0, 0.0)).zip(across(DVec2::new(0.0, height / 2.0))).map(|(x, y)| [x, y]);
        // From the bottom left of the picture to the right, which is counter-clockwise on the floor.
        let ends = [(0.0, height), (width, height), (width, 0.0), (0.0, 0.0)].map(DVec2::from);
        let border = (0..4).flat_map(|side| {
            let (from, to) = (ends[side], ends[(side + 1) % 4]);
            (0..POINTS).map(move |i| from.lerp(to, f64::from(i) / f64::from(POINTS)))
        });
        let corners: Vec<DVec2> = border.filter_map(at).collect();
        let area_m2 = area(&within(&corners, site.room_m()));
        Outline { height_m, size_m, corners_m: corners.into_iter().map(Into::into).collect(), area_m2 }
    }
}

/// The guide's recommended range (§6.1), which is for a device that looks straight down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommended {
    /// Along the picture's width and along its height, metres.
    pub size_m: [f64; 2],
    /// Its corners in the room, metres, counter-clockwise.
    pub corners_m: [[f64; 2]; 4],
    /// Of it within the room's walls, square metres.
    pub area_m2: f64,
    /// Where the height stands in the guide's table.
    pub from: RecommendedFrom,
}

/// Where a height stands in the guide's table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecommendedFrom {
    /// It is one of its rows.
    Row,
    /// It lies between two, and the range on the straight line between theirs.
    Between {
        /// The row below, metres.
        below_m: f64,
        /// The row above, metres.
        above_m: f64,
    },
    /// It is lower than all rows or higher than all: nothing is recommended, and the range is as wide as it is seen from the nearest.
    Beyond {
        /// That row, metres.
        nearest_m: f64,
    },
}

/// Heights are entered by the centimetre; what differs by less is the same.
const SAME_HEIGHT_M: f64 = 0.005;

impl Recommended {
    pub(super) fn of(site: &Site) -> Option<Self> {
        let height_m = site.mounting.height_m;
        let rows: Vec<f64> = site.profile.recommended.iter().map(|row| row.height_m).collect();
        let (lowest, highest) = (*rows.first()?, *rows.last()?);
        let row = rows.iter().copied().find(|row| (row - height_m).abs() < SAME_HEIGHT_M);
        let from = match row {
            Some(_) => RecommendedFrom::Row,
            None if height_m < lowest => RecommendedFrom::Beyond { nearest_m: lowest },
            None if height_m > highest => RecommendedFrom::Beyond { nearest_m: highest },
            None => {
                let above = rows.iter().position(|row| *row > height_m)?;
                RecommendedFrom::Between { below_m: rows[above - 1], above_m: rows[above] }
            }
        };
        let size = site.profile.recommended_range(row.unwrap_or(height_m));
        let along = DVec2::from_angle(site.mounting.rotation_rad);
        let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
            .map(|part| site.sensor_at + along.rotate(size * DVec2::from(part)));
        let area_m2 = area(&within(&corners, site.room_m()));
        Some(Recommended { size_m: size.into(), corners_m: corners.map(Into::into), area_m2, from })
    }

    /// Whether a place of the floor is within it.
    pub fn contains(&self, place: DVec2) -> bool {
        let corner = |i: usize| DVec2::from(self.corners_m[i % 4]);
        (0..4).all(|i| (corner(i + 1) - corner(i)).perp_dot(place - corner(i)) >= 0.0)
    }
}

/// The part of a polygon within the walls of a room (Sutherland and Hodgman, "Reentrant polygon clipping", CACM 17(1), 1974).
fn within(corners: &[DVec2], room: DVec2) -> Vec<DVec2> {
    // Distances to each wall, inwards.
    let walls: [&dyn Fn(DVec2) -> f64; 4] = [&|p| p.x, &|p| room.x - p.x, &|p| p.y, &|p| room.y - p.y];
    walls.iter().fold(corners.to_vec(), |polygon, inside| {
        let mut kept = Vec::new();
        for (i, to) in polygon.iter().enumerate() {
            let from = polygon[(i + polygon.len() - 1) % polygon.len()];
            let (a, b) = (inside(from), inside(*to));
            if (a < 0.0) != (b < 0.0) {
                kept.push(from.lerp(*to, a / (a - b)));
            }
            if b >= 0.0 {
                kept.push(*to);
            }
        }
        kept
    })
}

/// The area of a simple polygon, by the shoelace formula.
fn area(corners: &[DVec2]) -> f64 {
    let pairs = corners.iter().zip(corners.iter().cycle().skip(1));
    pairs.map(|(a, b)| a.perp_dot(*b)).sum::<f64>().abs() / 2.0
}
