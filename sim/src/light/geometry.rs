//! Solids and rooms as triangles whose corners carry the luminance that they have at 1 lx.

use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};
use glam::DVec3;
use scenes::{Illumination, Room, Shape, Solid};

/// Segments around a round thing.
const AROUND: u32 = 12;
/// Rings from pole to pole of a ball; even, so that a capsule can be cut at the equator.
const RINGS: u32 = 8;

/// Floor and walls are cut into pieces no longer than this: light varies over them, and is computed at their corners.
const PIECE_M: f64 = 0.25;

/// Triangles of many solids, lit.
pub(super) struct Triangles<'i> {
    illumination: &'i Illumination,
    positions: Vec<[f32; 3]>,
    /// Luminance at 1 lx: Lambert's law, reflectance / π × illuminance.
    colors: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl<'i> Triangles<'i> {
    /// None yet.
    pub fn lit_by(illumination: &'i Illumination) -> Self {
        Triangles { illumination, positions: Vec::new(), colors: Vec::new(), indices: Vec::new() }
    }

    /// The mesh of all that was added.
    pub fn into_mesh(self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, self.colors)
            .with_inserted_indices(Indices::U32(self.indices))
    }

    /// Adds a solid.
    pub fn solid(&mut self, solid: &Solid) {
        match solid.shape {
            Shape::Cuboid(half) => self.cuboid(solid, half),
            Shape::Cylinder { radius, half_height } => self.cylinder(solid, radius, half_height),
            Shape::Capsule { radius, half_length } => self.ball(solid, DVec3::splat(radius), half_length),
            Shape::Ellipsoid(axes) => self.ball(solid, axes, 0.0),
        }
    }

    /// Adds the floor and the walls, seen from inside.
    pub fn room(&mut self, room: &Room) {
        let (x, y, z) = (room.size_m.0, room.size_m.1, room.ceiling_m);
        let tile = if room.floor_tile_m > 0.0 { room.floor_tile_m } else { f64::INFINITY };
        let floor = room.floor.reflectance();
        self.plane(
            DVec3::ZERO,
            DVec3::X * x,
            DVec3::Y * y,
            tile,
            |odd| if odd { floor.map(|c| c * 0.9) } else { floor },
        );
        let walls = room.walls.reflectance();
        let corner = DVec3::new(x, y, 0.0);
        for (along, from) in [
            (DVec3::X * x, DVec3::ZERO),
            (DVec3::Y * y, DVec3::X * x),
            (DVec3::X * -x, corner),
            (DVec3::Y * -y, DVec3::Y * y),
        ] {
            // Walking round with the room to the left, each wall faces left.
            self.plane(from, along, DVec3::Z * z, f64::INFINITY, |_| walls);
        }
    }

    /// A rectangle with the edges `u` and `v` at `corner`, in tiles of at most `tile_m`, every other one odd.
    fn plane(&mut self, corner: DVec3, u: DVec3, v: DVec3, tile_m: f64, color: impl Fn(bool) -> [f32; 3]) {
        let normal = if u.z == 0.0 && v.z == 0.0 { DVec3::Z } else { DVec3::Z.cross(u).normalize() };
        let (columns, rows) = (cuts(u.length(), tile_m), cuts(v.length(), tile_m));
        let (u, v) = (u.normalize(), v.normalize());
        for ends in rows.windows(2) {
            for sides in columns.windows(2) {
                let tile = |at: f64| (at / tile_m) as u64;
                let odd = (tile((sides[0] + sides[1]) / 2.0) + tile((ends[0] + ends[1]) / 2.0)) % 2 == 1;
                let place = |a: f64, b: f64| corner + u * a + v * b;
                let corners = [
                    place(sides[0], ends[0]),
                    place(sides[1], ends[0]),
                    place(sides[1], ends[1]),
                    place(sides[0], ends[1]),
                ];
                self.quad(corners, normal, color(odd));
            }
        }
    }

    fn quad(&mut self, corners: [DVec3; 4], normal: DVec3, color: [f32; 3]) {
        let first = self.positions.len() as u32;
        for corner in corners {
            self.corner(corner, normal, color);
        }
        // Seen from where the normal points, corners go counter-clockwise; the other side is not drawn.
        let faces_normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]).dot(normal) > 0.0;
        let order = if faces_normal { [0, 1, 2, 0, 2, 3] } else { [0, 2, 1, 0, 3, 2] };
        self.indices.extend(order.map(|i| first + i));
    }

    fn corner(&mut self, at: DVec3, normal: DVec3, color: [f32; 3]) -> u32 {
        let index = self.positions.len() as u32;
        let luminance_per_reflectance = (self.illumination.per_lux(at, normal) / std::f64::consts::PI) as f32;
        let [r, g, b] = color.map(|reflectance| reflectance * luminance_per_reflectance);
        self.positions.push(at.as_vec3().to_array());
        self.colors.push([r, g, b, 1.0]);
        index
    }

    fn cuboid(&mut self, solid: &Solid, half: DVec3) {
        let color = solid.color.reflectance();
        for axis in 0..3 {
            for sign in [-1.0, 1.0] {
                let mut normal = DVec3::ZERO;
                normal[axis] = sign;
                let (u, v) = (normal.any_orthonormal_vector(), normal.cross(normal.any_orthonormal_vector()));
                let corners = [-u - v, u - v, u + v, v - u].map(|c| solid.at + solid.turned * ((c + normal) * half));
                self.quad(corners, solid.turned * normal, color);
            }
        }
    }

    fn cylinder(&mut self, solid: &Solid, radius: f64, half_height: f64) {
        let color = solid.color.reflectance();
        let place = |own: DVec3| solid.at + solid.turned * own;
        let first = self.positions.len() as u32;
        for i in 0..=AROUND {
            let out = around(i);
            for z in [-half_height, half_height] {
                self.corner(place(out * radius + DVec3::Z * z), solid.turned * out, color);
            }
        }
        for i in 0..AROUND {
            self.indices.extend([0, 2, 1, 1, 2, 3].map(|k| first + 2 * i + k));
        }
        for (z, normal) in [(-half_height, DVec3::NEG_Z), (half_height, DVec3::Z)] {
            let first = self.positions.len() as u32;
            for i in 0..AROUND {
                self.corner(place(around(i) * radius + DVec3::Z * z), solid.turned * normal, color);
            }
            for i in 1..AROUND - 1 {
                self.indices.extend([first, first + i, first + i + 1]);
            }
        }
    }

    /// An ellipsoid whose halves are `half_length` away from the middle along z: a capsule if its axes are equal.
    fn ball(&mut self, solid: &Solid, axes: DVec3, half_length: f64) {
        let color = solid.color.reflectance();
        let first = self.positions.len() as u32;
        let mut rows = 0;
        for ring in 0..=RINGS {
            let latitude = std::f64::consts::PI * (f64::from(ring) / f64::from(RINGS) - 0.5);
            let halves: &[f64] = match (2 * ring).cmp(&RINGS) {
                std::cmp::Ordering::Less => &[-1.0],
                std::cmp::Ordering::Equal if half_length > 0.0 => &[-1.0, 1.0],
                std::cmp::Ordering::Equal => &[0.0],
                std::cmp::Ordering::Greater => &[1.0],
            };
            for half in halves {
                rows += 1;
                for i in 0..=AROUND {
                    let unit = around(i) * latitude.cos() + DVec3::Z * latitude.sin();
                    let at = unit * axes + DVec3::Z * (half * half_length);
                    let normal = (unit / axes).normalize();
                    self.corner(solid.at + solid.turned * at, solid.turned * normal, color);
                }
            }
        }
        let row_length = AROUND + 1;
        for row in 0..rows - 1 {
            for i in 0..AROUND {
                let corner = first + row * row_length + i;
                self.indices.extend([0, 1, row_length, 1, row_length + 1, row_length].map(|k| corner + k));
            }
        }
    }
}

/// Where a length is cut: at every tile's edge, and so that no piece is longer than [`PIECE_M`].
fn cuts(length: f64, tile_m: f64) -> Vec<f64> {
    let mut cuts = vec![0.0];
    let mut from = 0.0;
    while from < length - 1e-9 {
        let to = (from + tile_m).min(length);
        let pieces = ((to - from) / PIECE_M).ceil().max(1.0);
        cuts.extend((1..=pieces as u32).map(|i| from + (to - from) * f64::from(i) / pieces));
        from = to;
    }
    cuts
}

fn around(i: u32) -> DVec3 {
    let angle = std::f64::consts::TAU * f64::from(i) / f64::from(AROUND);
    DVec3::new(angle.cos(), angle.sin(), 0.0)
}
