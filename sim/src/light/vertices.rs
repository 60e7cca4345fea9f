//! Triangles on their way to the graphics driver: corners that carry what they look like, where they are, and what falls on them.

use glam::{DVec2, DVec3};
use scenes::{Color, Finish, Rectangle, SurfaceLux};

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

/// What a corner of triangles looks like wherever it is, as the driver gets it.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::NoUninit)]
#[repr(C)]
pub(super) struct Look {
    /// Where it lies on its finish, in repetitions.
    on_finish: [f32; 2],
    /// Luminance of what 1 lx falls on, by channel, cd/m².
    color: [f32; 3],
    /// The finish.
    layer: f32,
}

impl Look {
    /// That of a corner which lies on its material so many metres along and across.
    pub fn new(surface: &Surface, on_material: DVec2) -> Self {
        Look {
            on_finish: (on_material * surface.per_m).as_vec2().to_array(),
            color: surface.reflectance.map(lambert),
            layer: surface.layer,
        }
    }
}

/// Where a corner is at an instant, as the driver gets it.
#[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
#[repr(C)]
pub(super) struct Placed {
    pub at: [f32; 3],
    /// What falls on it. Of the floor a texture says that.
    pub lit: [f32; 2],
}

/// Corners and the triangles between them, counter-clockwise from where they are seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertices {
    /// One a corner, as is the next.
    pub looks: Vec<Look>,
    pub placed: Vec<Placed>,
    pub indices: Vec<u32>,
}

impl Vertices {
    pub fn len(&self) -> u32 {
        self.looks.len() as u32
    }

    /// Adds a corner.
    pub fn corner(&mut self, at: DVec3, look: Look, lit: SurfaceLux) {
        self.looks.push(look);
        self.placed.push(Placed { at: at.as_vec3().to_array(), lit: lit.to_array() });
    }

    /// Adds a rectangle that shines by itself, cd/m² by channel at a level of 1 lx.
    pub fn shining(&mut self, pane: &Rectangle, luminance: [f32; 3]) {
        let first = self.len();
        let look = Look { on_finish: [0.0; 2], color: luminance, layer: Finish::Plain.kind() as f32 };
        for (u, v) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
            self.corner(pane.corner + pane.u * u + pane.v * v, look, SurfaceLux { per_lux: 1.0, sun: 0.0 });
        }
        self.indices.extend([0, 1, 2, 0, 2, 3].map(|i| first + i));
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
