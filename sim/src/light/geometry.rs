//! Solids and rooms as triangles with coloured corners.

use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};
use glam::DVec3;
use scenes::{Room, Shape, Solid};

/// Segments around a round thing.
const AROUND: u32 = 12;
/// Rings from pole to pole of a ball; even, so that a capsule can be cut at the equator.
const RINGS: u32 = 8;

/// Triangles of many solids; corners carry the linear reflectance as their colour.
#[derive(Default)]
pub(super) struct Triangles {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    colors: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl Triangles {
    /// The mesh of all that was added.
    pub fn into_mesh(self) -> Mesh {
        Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
            .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
            .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, self.normals)
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
        self.floor(room);
        let corner = DVec3::new;
        let walls = room.walls.reflectance();
        self.quad(
            [corner(0.0, 0.0, 0.0), corner(x, 0.0, 0.0), corner(x, 0.0, z), corner(0.0, 0.0, z)],
            DVec3::Y,
            walls,
        );
        self.quad([corner(0.0, y, 0.0), corner(x, y, 0.0), corner(x, y, z), corner(0.0, y, z)], DVec3::NEG_Y, walls);
        self.quad(
            [corner(0.0, 0.0, 0.0), corner(0.0, y, 0.0), corner(0.0, y, z), corner(0.0, 0.0, z)],
            DVec3::X,
            walls,
        );
        self.quad([corner(x, 0.0, 0.0), corner(x, y, 0.0), corner(x, y, z), corner(x, 0.0, z)], DVec3::NEG_X, walls);
    }

    fn floor(&mut self, room: &Room) {
        let (x, y) = room.size_m;
        let color = room.floor.reflectance();
        if room.floor_tile_m <= 0.0 {
            let corners = [DVec3::ZERO, DVec3::X * x, DVec3::new(x, y, 0.0), DVec3::Y * y];
            self.quad(corners, DVec3::Z, color);
            return;
        }
        let count = |length: f64| (length / room.floor_tile_m).ceil() as u32;
        for i in 0..count(x) {
            for j in 0..count(y) {
                let (x0, y0) = (f64::from(i) * room.floor_tile_m, f64::from(j) * room.floor_tile_m);
                let (x1, y1) = ((x0 + room.floor_tile_m).min(x), (y0 + room.floor_tile_m).min(y));
                let corners = [
                    DVec3::new(x0, y0, 0.0),
                    DVec3::new(x1, y0, 0.0),
                    DVec3::new(x1, y1, 0.0),
                    DVec3::new(x0, y1, 0.0),
                ];
                let shade = if (i + j) % 2 == 0 { 1.0 } else { 0.9 };
                self.quad(corners, DVec3::Z, color.map(|c| c * shade));
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
        self.positions.push(at.as_vec3().to_array());
        self.normals.push(normal.as_vec3().to_array());
        self.colors.push([color[0], color[1], color[2], 1.0]);
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

fn around(i: u32) -> DVec3 {
    let angle = std::f64::consts::TAU * f64::from(i) / f64::from(AROUND);
    DVec3::new(angle.cos(), angle.sin(), 0.0)
}
