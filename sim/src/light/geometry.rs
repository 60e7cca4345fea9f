//! Solids and rooms as triangles whose corners carry the luminance that they have at 1 lx.

use std::ops::Range;

use bevy::asset::RenderAssetUsages;
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};
use glam::DVec3;
use scenes::{Illuminance, Illumination, PosedFigure, Room, Shade, Shape, Solid};

/// Segments around a round thing.
const AROUND: u32 = 12;
/// Rings from pole to pole of a ball.
const RINGS: u32 = 8;

/// Large surfaces are cut into pieces no longer than this: light varies over them, and is computed at their corners.
const PIECE_M: f64 = 0.3;
/// The floor, on which most shadows fall, is cut finer, as far as it is not so large that this takes too long.
const FLOOR_PIECE_M: f64 = 0.125;
const FLOOR_PLACES: f64 = 6000.0;

/// The illuminance at 1 lx of a place with a normal, of which a part of the hemisphere is open.
type Lit<'i> = Box<dyn Fn(DVec3, DVec3, f64) -> f64 + 'i>;

/// Triangles of many solids, lit.
pub(super) struct Triangles<'i> {
    lit: Lit<'i>,
    positions: Vec<[f32; 3]>,
    /// Luminance at 1 lx: Lambert's law, reflectance / π × illuminance.
    colors: Vec<[f32; 4]>,
    indices: Vec<u32>,
}

impl<'i> Triangles<'i> {
    /// None yet; things that move, whom nothing but themselves shades.
    pub fn in_the_open(illumination: &'i Illumination) -> Self {
        Self::lit_by(Box::new(|at, normal, open| illumination.per_lux(at, normal, open)))
    }

    /// None yet; things that stay, with the shadows they throw on one another.
    pub fn among_furniture(illumination: &'i Illumination) -> Self {
        Self::lit_by(Box::new(|at, normal, _| illumination.among_furniture(at, normal).total()))
    }

    fn lit_by(lit: Lit<'i>) -> Self {
        Triangles { lit, positions: Vec::new(), colors: Vec::new(), indices: Vec::new() }
    }

    /// The mesh of all that was added.
    pub fn into_mesh(self) -> Mesh {
        mesh(self.positions, self.colors, self.indices)
    }

    /// Adds a solid.
    pub fn solid(&mut self, solid: &Solid) {
        match solid.shape {
            Shape::Cuboid(half) => self.cuboid(solid, half),
            Shape::Cylinder { radius, half_height } => self.cylinder(solid, radius, half_height),
            Shape::Ellipsoid(axes) => self.ellipsoid(solid, axes),
        }
    }

    /// Adds a dressed body.
    pub fn body(&mut self, body: &PosedFigure) {
        let skin = body.skin();
        let lit: Vec<f32> =
            skin.iter().map(|p| self.luminance(p.at.as_dvec3(), p.normal.as_dvec3(), f64::from(p.open))).collect();
        let first = self.positions.len() as u32;
        for (point, color) in body.figure.corners() {
            let point = usize::from(*point);
            let [r, g, b] = color.reflectance().map(|reflectance| reflectance * lit[point]);
            self.positions.push(skin[point].at.to_array());
            self.colors.push([r, g, b, 1.0]);
        }
        self.indices.extend(body.figure.triangles().iter().flatten().map(|corner| first + u32::from(*corner)));
    }

    /// The luminance of a white surface at 1 lx: Lambert's law.
    fn luminance(&self, at: DVec3, normal: DVec3, open: f64) -> f32 {
        ((self.lit)(at, normal, open) / std::f64::consts::PI) as f32
    }

    /// Adds the walls, seen from inside.
    pub fn walls(&mut self, room: &Room) {
        let (x, y, z) = (room.size_m.0, room.size_m.1, room.ceiling_m);
        let walls = room.walls.reflectance();
        let corner = DVec3::new(x, y, 0.0);
        let sides = [
            (DVec3::X * x, DVec3::ZERO),
            (DVec3::Y * y, DVec3::X * x),
            (DVec3::X * -x, corner),
            (DVec3::Y * -y, DVec3::Y * y),
        ];
        for (along, from) in sides {
            // Walking round with the room to the left, each wall faces left.
            self.plane(from, along, DVec3::Z * z, DVec3::Z.cross(along).normalize(), walls);
        }
    }

    /// A rectangle with the edges `u` and `v` at `corner`.
    fn plane(&mut self, corner: DVec3, u: DVec3, v: DVec3, normal: DVec3, color: [f32; 3]) {
        let (columns, rows) = (cuts(u.length(), f64::INFINITY, PIECE_M), cuts(v.length(), f64::INFINITY, PIECE_M));
        let (u, v) = (u.normalize(), v.normalize());
        let first = self.positions.len() as u32;
        for b in &rows {
            for a in &columns {
                self.corner(corner + u * *a + v * *b, normal, color);
            }
        }
        let faces_normal = u.cross(v).dot(normal) > 0.0;
        self.indices.extend(grid_triangles(columns.len(), rows.len(), first, faces_normal));
    }

    fn corner(&mut self, at: DVec3, normal: DVec3, color: [f32; 3]) {
        let luminance = self.luminance(at, normal, 1.0);
        let [r, g, b] = color.map(|reflectance| reflectance * luminance);
        self.positions.push(at.as_vec3().to_array());
        self.colors.push([r, g, b, 1.0]);
    }

    fn cuboid(&mut self, solid: &Solid, half: DVec3) {
        let color = solid.color.reflectance();
        for axis in 0..3 {
            for sign in [-1.0, 1.0] {
                let mut normal = DVec3::ZERO;
                normal[axis] = sign;
                let u = normal.any_orthonormal_vector();
                let v = normal.cross(u);
                let turn = |own: DVec3| solid.turned * (own * half);
                let corner = solid.at + turn(normal - u - v);
                self.plane(corner, turn(u * 2.0), turn(v * 2.0), solid.turned * normal, color);
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
                let (a, b) = if z > 0.0 { (i, i + 1) } else { (i + 1, i) };
                self.indices.extend([first, first + a, first + b]);
            }
        }
    }

    fn ellipsoid(&mut self, solid: &Solid, axes: DVec3) {
        let color = solid.color.reflectance();
        let first = self.positions.len() as u32;
        for ring in 0..=RINGS {
            let latitude = std::f64::consts::PI * (f64::from(ring) / f64::from(RINGS) - 0.5);
            for i in 0..=AROUND {
                let unit = around(i) * latitude.cos() + DVec3::Z * latitude.sin();
                let normal = (unit / axes).normalize();
                self.corner(solid.at + solid.turned * (unit * axes), solid.turned * normal, color);
            }
        }
        self.indices.extend(grid_triangles(AROUND as usize + 1, RINGS as usize + 1, first, true));
    }
}

/// Where a length is cut: at every tile's edge, and so that no piece is longer than `piece_m`.
fn cuts(length: f64, tile_m: f64, piece_m: f64) -> Vec<f64> {
    let mut cuts = vec![0.0];
    let mut from = 0.0;
    while from < length - 1e-9 {
        let to = (from + tile_m).min(length);
        let pieces = ((to - from) / piece_m).ceil().max(1.0);
        cuts.extend((1..=pieces as u32).map(|i| from + (to - from) * f64::from(i) / pieces));
        from = to;
    }
    cuts
}

/// The cuts that lie in each tile, its edges included.
fn tiles(cuts: &[f64], tile_m: f64) -> Vec<Range<usize>> {
    let tile = |i: usize| ((cuts[i] + cuts[i + 1]) / 2.0 / tile_m) as u64;
    let mut tiles = Vec::new();
    let mut from = 0;
    for i in 1..cuts.len() {
        if i == cuts.len() - 1 || tile(i) != tile(i - 1) {
            tiles.push(from..i + 1);
            from = i;
        }
    }
    tiles
}

/// Two triangles for each cell of a grid of corners that begins at `first` and goes row by row; counter-clockwise where rows
/// lie to the left of columns.
fn grid_triangles(columns: usize, rows: usize, first: u32, counter_clockwise: bool) -> impl Iterator<Item = u32> {
    let columns = columns as u32;
    let order = if counter_clockwise {
        [0, 1, columns + 1, 0, columns + 1, columns]
    } else {
        [0, columns + 1, 1, 0, columns, columns + 1]
    };
    let cells = (0..rows as u32 - 1).flat_map(move |row| (0..columns - 1).map(move |column| row * columns + column));
    cells.flat_map(move |cell| order.map(|corner| first + cell + corner))
}

/// The floor: what people's shadows fall on.
pub(super) struct Floor {
    /// The places where light is computed, and what arrives there when nobody is in.
    places: Vec<(DVec3, Illuminance)>,
    /// A place, and the reflectance there.
    corners: Vec<(u32, [f32; 3])>,
    indices: Vec<u32>,
}

impl Floor {
    pub fn new(room: &Room, illumination: &Illumination) -> Self {
        let (x, y) = room.size_m;
        let tile_m = if room.floor_tile_m > 0.0 { room.floor_tile_m } else { f64::INFINITY };
        let piece_m = (x * y / FLOOR_PLACES).sqrt().max(FLOOR_PIECE_M);
        let (columns, rows) = (cuts(x, tile_m, piece_m), cuts(y, tile_m, piece_m));
        let place = |x: &f64, y: &f64| DVec3::new(*x, *y, 0.0);
        let places = (rows.iter().flat_map(|y| columns.iter().map(move |x| place(x, y))))
            .map(|place| (place, illumination.among_furniture(place, DVec3::Z)))
            .collect();
        let color = room.floor.reflectance();
        let mut floor = Floor { places, corners: Vec::new(), indices: Vec::new() };
        let (tiles_x, tiles_y) = (tiles(&columns, tile_m), tiles(&rows, tile_m));
        for (j, own_rows) in tiles_y.iter().enumerate() {
            for (i, own_columns) in tiles_x.iter().enumerate() {
                let shade = if (i + j) % 2 == 1 { 0.9 } else { 1.0 };
                let first = floor.corners.len() as u32;
                for row in own_rows.clone() {
                    for column in own_columns.clone() {
                        floor.corners.push(((row * columns.len() + column) as u32, color.map(|c| c * shade)));
                    }
                }
                floor.indices.extend(grid_triangles(own_columns.len(), own_rows.len(), first, true));
            }
        }
        floor
    }

    /// The floor with people's shadows on it.
    pub fn mesh(&self, shade: &Shade) -> Mesh {
        let lit: Vec<f32> = self
            .places
            .iter()
            .map(|(place, light)| (shade.left(*place, light) / std::f64::consts::PI) as f32)
            .collect();
        let position = |place: &u32| self.places[*place as usize].0.as_vec3().to_array();
        let positions: Vec<[f32; 3]> = self.corners.iter().map(|(place, _)| position(place)).collect();
        let luminance = |(place, color): &(u32, [f32; 3])| {
            let [r, g, b] = color.map(|reflectance| reflectance * lit[*place as usize]);
            [r, g, b, 1.0]
        };
        let colors: Vec<[f32; 4]> = self.corners.iter().map(luminance).collect();
        mesh(positions, colors, self.indices.clone())
    }
}

fn mesh(positions: Vec<[f32; 3]>, colors: Vec<[f32; 4]>, indices: Vec<u32>) -> Mesh {
    Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD)
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, positions)
        .with_inserted_attribute(Mesh::ATTRIBUTE_COLOR, colors)
        .with_inserted_indices(Indices::U32(indices))
}

fn around(i: u32) -> DVec3 {
    let angle = std::f64::consts::TAU * f64::from(i) / f64::from(AROUND);
    DVec3::new(angle.cos(), angle.sin(), 0.0)
}
