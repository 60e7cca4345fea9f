//! Triangles on their way to the graphics driver: corners that carry the luminance they have at a level of 1 lx.

use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};
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

/// Corners and the triangles between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertices {
    positions: Vec<[f32; 3]>,
    /// Luminance of what 1 lx falls on, by channel, cd/m², and the layer of the finish.
    colors: Vec<[f32; 4]>,
    /// Where a corner lies on its finish, in repetitions.
    on_finish: Vec<[f32; 2]>,
    /// What falls on it: lux at a level of 1 lx, and lux of the sun where a beam is.
    lit: Vec<[f32; 2]>,
    pub indices: Vec<u32>,
}

impl Vertices {
    pub fn len(&self) -> u32 {
        self.positions.len() as u32
    }

    /// Adds a corner at a place, which lies on its material so many metres along and across.
    pub fn corner(&mut self, at: DVec3, on_material: DVec2, surface: &Surface, lit: Lit) {
        self.point(at, surface.reflectance.map(lambert), surface.layer, lit);
        let on_finish = on_material * surface.per_m;
        self.on_finish.push([on_finish.x as f32, on_finish.y as f32]);
    }

    fn point(&mut self, at: DVec3, [r, g, b]: [f32; 3], layer: f32, lit: Lit) {
        self.positions.push(at.as_vec3().to_array());
        self.colors.push([r, g, b, layer]);
        self.lit.push([lit.per_lux as f32, lit.sun as f32]);
    }

    /// Adds a rectangle that shines by itself, cd/m² by channel at a level of 1 lx.
    pub fn shining(&mut self, pane: &Rectangle, luminance: [f32; 3]) {
        let first = self.len();
        for (u, v) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
            let lit = Lit { per_lux: 1.0, sun: 0.0 };
            self.point(pane.corner + pane.u * u + pane.v * v, luminance, Finish::Plain.kind() as f32, lit);
            self.on_finish.push([0.0; 2]);
        }
        self.indices.extend([0, 1, 2, 0, 2, 3].map(|i| first + i));
    }

    /// Adds a black box around everything, seen from inside, whose middle is the room's corner.
    pub fn void(&mut self, half_m: f64) {
        for axis in 0..3 {
            for sign in [-1.0, 1.0] {
                let (mut middle, mut u) = (DVec3::ZERO, DVec3::ZERO);
                (middle[axis], u[(axis + 1) % 3]) = (sign * half_m, half_m);
                let v = u.cross(middle).normalize() * half_m;
                self.shining(&Rectangle { corner: middle - u - v, u: u * 2.0, v: v * 2.0 }, [0.0; 3]);
            }
        }
    }

    /// Light that has changed at corner `index`.
    pub fn relight(&mut self, index: usize, lit: Lit) {
        self.lit[index] = [lit.per_lux as f32, lit.sun as f32];
    }

    /// The mesh: with what is seen of it in mirrors, as if it stood behind them, where the wall has an opening. Beams of the sun
    /// are not seen there.
    pub fn into_mesh(self, mirrors: &[Rectangle], sunny: bool) -> Mesh {
        let (corners, indices) = (self.positions.len(), self.indices.len());
        let mut all = self;
        for mirror in mirrors {
            let (normal, plane) = (mirror.normal().as_vec3(), mirror.corner.as_vec3());
            let first = all.len();
            for corner in 0..corners {
                let at = glam::Vec3::from_array(all.positions[corner]);
                all.positions.push((at - normal * (2.0 * (at - plane).dot(normal))).to_array());
                let [r, g, b, layer] = all.colors[corner];
                all.colors.push([r * MIRRORED, g * MIRRORED, b * MIRRORED, layer]);
                all.on_finish.push(all.on_finish[corner]);
                all.lit.push([all.lit[corner][0], 0.0]);
            }
            // What is mirrored turns the other way round.
            for triangle in (0..indices).step_by(3) {
                let [a, b, c] = [0, 1, 2].map(|i| first + all.indices[triangle + i]);
                all.indices.extend([a, c, b]);
            }
        }
        if !sunny {
            // One product less for each pixel. Of two kinds of light only their sum may be interpolated.
            for (color, [per_lux, _]) in all.colors.iter_mut().zip(&all.lit) {
                color[..3].iter_mut().for_each(|channel| *channel *= per_lux);
            }
        }
        let mut mesh = Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, all.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, all.colors)
            .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, all.on_finish);
        if sunny {
            mesh.insert_attribute(Mesh::ATTRIBUTE_UV_1, all.lit);
        }
        mesh.with_inserted_indices(Indices::U32(all.indices))
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
