//! How much light arrives where: what a lux meter would read anywhere in a room.

use glam::DVec3;

use crate::room::{Light, Room};

/// Where a room's `lux` is meant: the height of a desk.
const MEASURED_AT_M: f64 = 0.8;
/// Lamps hang a little below the ceiling.
const LAMP_DROP_M: f64 = 0.05;

/// A room's light at a level of 1 lx. All of it is in proportion to the level.
#[derive(Clone, Debug, PartialEq)]
pub struct Illumination {
    /// The part that comes from everywhere.
    diffuse: f64,
    lamps: Vec<DVec3>,
    /// Luminous intensity of each lamp straight down, cd.
    candela: f64,
}

impl Illumination {
    /// Lamps of equal strength which, with the diffuse share, give 1 lx on average over the room, 0.8 m above the floor.
    pub fn new(room: &Room, light: &Light) -> Self {
        let lamps: Vec<DVec3> =
            (light.luminaires.iter()).map(|l| DVec3::new(l.at_m.0, l.at_m.1, room.ceiling_m - LAMP_DROP_M)).collect();
        let share = if lamps.is_empty() { 0.0 } else { 1.0 - light.diffuse_share };
        let per_candela = mean_lux_per_candela(room, &lamps);
        let candela = if per_candela > 0.0 { share / per_candela } else { 0.0 };
        Illumination { diffuse: 1.0 - share, lamps, candela }
    }

    /// The illuminance in lx of a surface at `place` that faces along the unit vector `normal`, when the room's level is 1 lx.
    ///
    /// Diffuse light comes a little more from above than from below, as it does under a bright ceiling: a horizontal
    /// surface that faces up gets all of it, one that faces down 0.4 of it.
    pub fn per_lux(&self, place: DVec3, normal: DVec3) -> f64 {
        let direct: f64 = self.lamps.iter().map(|lamp| lux_per_candela(*lamp, place, normal)).sum();
        self.diffuse * (0.7 + 0.3 * normal.z) + self.candela * direct
    }
}

/// The mean horizontal illuminance in lx, 0.8 m above the floor, of lamps of 1 cd each.
fn mean_lux_per_candela(room: &Room, lamps: &[DVec3]) -> f64 {
    const GRID: usize = 24;
    let mut sum = 0.0;
    for i in 0..GRID {
        for j in 0..GRID {
            let part = |k: usize| (k as f64 + 0.5) / GRID as f64;
            let point = DVec3::new(room.size_m.0 * part(i), room.size_m.1 * part(j), MEASURED_AT_M);
            sum += lamps.iter().map(|lamp| lux_per_candela(*lamp, point, DVec3::Z)).sum::<f64>();
        }
    }
    sum / (GRID * GRID) as f64
}

/// The illuminance of a lamp of 1 cd straight down that shines with the cosine of the angle to it: cos θ of the lamp, cos θ
/// of the surface, and the inverse square of the distance.
fn lux_per_candela(lamp: DVec3, place: DVec3, normal: DVec3) -> f64 {
    let to_lamp = lamp - place;
    let squared = to_lamp.length_squared();
    to_lamp.z.max(0.0) * normal.dot(to_lamp).max(0.0) / (squared * squared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, Luminaire};

    fn lit(diffuse_share: f64, luminaires: &[(f64, f64)]) -> Illumination {
        let grey = Color::new(128, 128, 128);
        let room = Room { size_m: (8.0, 6.0), ceiling_m: 3.0, floor: grey, floor_tile_m: 0.0, walls: grey };
        let luminaires = luminaires.iter().map(|at_m| Luminaire { at_m: *at_m }).collect();
        Illumination::new(&room, &Light { lux: 300.0, diffuse_share, luminaires })
    }

    #[test]
    fn a_lux_meter_reads_one_on_average_at_desk_height() {
        for light in [lit(1.0, &[]), lit(0.5, &[(2.0, 3.0), (6.0, 3.0)]), lit(0.0, &[(1.0, 1.0)])] {
            // Another grid than the one it was calibrated on.
            let cells = (0..31).flat_map(|i| (0..31).map(move |j| (i, j)));
            let part = |k: i32| (f64::from(k) + 0.5) / 31.0;
            let read = |(i, j)| light.per_lux(DVec3::new(8.0 * part(i), 6.0 * part(j), 0.8), DVec3::Z);
            let mean = cells.map(read).sum::<f64>() / (31.0 * 31.0);
            assert!((mean - 1.0).abs() < 0.005, "{mean}");
        }
    }

    #[test]
    fn a_lamp_fades_with_the_square_of_distance_and_the_cosines() {
        let light = lit(0.0, &[(4.0, 3.0)]);
        let up = |x: f64, z: f64| light.per_lux(DVec3::new(x, 3.0, z), DVec3::Z);
        // 2.95 m is where the lamp hangs.
        let below = up(4.0, 1.95);
        assert!((up(4.0, 0.95) / below - 0.25).abs() < 1e-12);
        // 45° to the side at the same depth: cos² θ and half of the inverse square.
        assert!((up(5.0, 1.95) / below - 0.25).abs() < 1e-12);
        assert_eq!(light.per_lux(DVec3::new(4.0, 3.0, 1.0), DVec3::NEG_Z), 0.0);
    }
}
