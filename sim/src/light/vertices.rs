//! Triangles on their way to the graphics driver: corners that carry the luminance they have at a level of 1 lx.

use glam::{DVec2, DVec3};
use scenes::{Color, Finish, Rectangle};

/// What a mirror throws back.
const MIRRORED: f32 = 0.9;

/// What arrives at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lit {
    /// Lux at a level of 1 lx, without the sun's.
    pub per_lux: f64,
    /// Of the sun, lx, where a beam is.
    pub sun: f64,
}

impl Lit {
    fn to_array(self) -> [f32; 2] {
        [self.per_lux as f32, self.sun as f32]
    }
}

/// A surface's material.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    reflectance: [f32; 3],
    layer: f32,
    per_m: f64,
}

impl Surface {
    pub fn new(color: Color, finish: Finish) -> Self {
        Surface { reflectance: color.reflectance(), layer: finish.kind() as f32, per_m: finish.repeats_m().recip() }
    }
}

/// A corner of triangles, as the driver gets it.
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
#[repr(C)]
pub(super) struct Corner {
    at: [f32; 3],
    /// Where it lies on its finish, in repetitions.
    on_finish: [f32; 2],
    /// Luminance of what 1 lx falls on, by channel, cd/m².
    color: [f32; 3],
    /// The finish.
    layer: f32,
    /// Where it is in the room, also when it is seen in a mirror.
    place: [f32; 3],
    /// What falls on it: lux at a level of 1 lx, and lux of the sun where a beam is. Of the floor a texture says that.
    lit: [f32; 2],
}

/// Corners and the triangles between them, counter-clockwise from where they are seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertices {
    pub corners: Vec<Corner>,
    pub indices: Vec<u32>,
}

impl Vertices {
    pub fn len(&self) -> u32 {
        self.corners.len() as u32
    }

    /// Adds a corner at a place, which lies on its material so many metres along and across.
    pub fn corner(&mut self, at: DVec3, on_material: DVec2, surface: &Surface, lit: Lit) {
        let on_finish = on_material * surface.per_m;
        self.corners.push(Corner {
            at: at.as_vec3().to_array(),
            on_finish: on_finish.as_vec2().to_array(),
            color: surface.reflectance.map(lambert),
            layer: surface.layer,
            place: at.as_vec3().to_array(),
            lit: lit.to_array(),
        });
    }

    /// Adds a rectangle that shines by itself, cd/m² by channel at a level of 1 lx.
    pub fn shining(&mut self, pane: &Rectangle, luminance: [f32; 3]) {
        let first = self.len();
        for (u, v) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
            let at = (pane.corner + pane.u * u + pane.v * v).as_vec3().to_array();
            self.corners.push(Corner {
                at,
                on_finish: [0.0; 2],
                color: luminance,
                layer: Finish::Plain.kind() as f32,
                place: at,
                lit: [1.0, 0.0],
            });
        }
        self.indices.extend([0, 1, 2, 0, 2, 3].map(|i| first + i));
    }

    /// The same with what is seen of it in mirrors, as if it stood behind them, where the wall has an opening.
    pub fn mirrored(mut self, mirrors: &[Rectangle]) -> Self {
        let (corners, indices) = (self.corners.len(), self.indices.len());
        for mirror in mirrors {
            let (normal, plane) = (mirror.normal().as_vec3(), mirror.corner.as_vec3());
            let first = self.len();
            for corner in 0..corners {
                let own = self.corners[corner];
                let at = glam::Vec3::from_array(own.at);
                self.corners.push(Corner {
                    at: (at - normal * (2.0 * (at - plane).dot(normal))).to_array(),
                    color: own.color.map(|channel| channel * MIRRORED),
                    ..own
                });
            }
            // What is mirrored turns the other way round.
            for triangle in (0..indices).step_by(3) {
                let [a, b, c] = [0, 1, 2].map(|i| first + self.indices[triangle + i]);
                self.indices.extend([a, c, b]);
            }
        }
        self
    }

    /// The same for a room without sun, other than for the floor: what falls on a corner is in its luminance, which is one
    /// product less for each pixel. Of two kinds of light only their sum may be interpolated.
    pub fn without_sun(mut self) -> Self {
        for corner in &mut self.corners {
            corner.color.iter_mut().for_each(|channel| *channel *= corner.lit[0]);
        }
        self
    }
}

/// The luminance of a surface on which 1 lx falls, by Lambert's law.
fn lambert(reflectance: f32) -> f32 {
    reflectance / std::f32::consts::PI
}

/// Two triangles for each cell of a grid of corners that begins at `first` and goes row by row; counter-clockwise where rows
/// lie to the left of columns. Cells for which `open` holds are left out.
pub(super) fn grid_triangles(
    columns: usize,
    rows: usize,
    first: u32,
    open: impl Fn(usize, usize) -> bool,
) -> impl Iterator<Item = u32> {
    let cells = (0..rows - 1).flat_map(move |row| (0..columns - 1).map(move |column| (column, row)));
    let columns = columns as u32;
    let order = [0, 1, columns + 1, 0, columns + 1, columns];
    cells
        .filter(move |(column, row)| !open(*column, *row))
        .flat_map(move |(column, row)| order.map(|corner| first + row as u32 * columns + column as u32 + corner))
}

/// A length cut into pieces no longer than `piece_m`, and at `edges`; from 0, ascending.
pub(super) fn cuts(length: f64, piece_m: f64, edges: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut ends: Vec<f64> = edges.into_iter().filter(|edge| (1e-6..length - 1e-6).contains(edge)).collect();
    ends.push(length);
    ends.sort_by(f64::total_cmp);
    ends.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
    let mut cuts = vec![0.0];
    for to in ends {
        let from = cuts[cuts.len() - 1];
        let pieces = ((to - from) / piece_m).ceil().max(1.0);
        cuts.extend((1..=pieces as u32).map(|i| from + (to - from) * f64::from(i) / pieces));
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_lie_at_edges_and_no_piece_is_too_long() {
        assert_eq!(cuts(1.0, 0.5, []), [0.0, 0.5, 1.0]);
        assert_eq!(cuts(1.0, 0.5, [0.8, 0.2, 0.2, 1.0, 0.0, 7.0]), [0.0, 0.2, 0.5, 0.8, 1.0]);
    }
}
