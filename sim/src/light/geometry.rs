//! Rooms, furniture and people as triangles.

use std::collections::BTreeMap;
use std::sync::Arc;

use glam::{DVec2, DVec3};
use half::f16;
use scenes::{
    Figure, FloorLight, FurnitureLight, Illumination, PosedFigure, Rectangle, Room, Shape, Solid, SurfaceLux, Wall,
    WallPart, WorldState,
};

use super::vertices::{Look, Placed, Surface, Vertices, cuts, grid_triangles};

/// Segments around a round thing, and around a large one.
const AROUND: u32 = 12;
const AROUND_LARGE: u32 = 28;
/// That is large, m.
const LARGE_M: f64 = 0.25;
/// Rings from pole to pole of a ball.
const RINGS: u32 = 8;

/// Large surfaces are cut into pieces no longer than this: light varies over them, and is computed at their corners.
const PIECE_M: f64 = 0.3;
/// Of the floor, on which most shadows fall, light is computed finer, as far as it is not so large that this takes too long.
const FLOOR_PIECE_M: f64 = 0.125;
const FLOOR_PLACES: f64 = 6000.0;

/// What of a windowpane's light is red, green and blue: that of a cloudy sky is a little blue.
const SKY: [f32; 3] = [0.93, 1.0, 1.09];
/// What a windowpane throws back.
const PANE: f32 = 0.05;

/// The light at a place with a normal.
type LightAt<'i> = Box<dyn FnMut(DVec3, DVec3) -> SurfaceLux + 'i>;

/// Triangles of many solids, lit.
pub(super) struct Triangles<'i> {
    light_at: LightAt<'i>,
    vertices: Vertices,
}

/// What does not change of dressed bodies as they move.
#[derive(Default)]
pub(super) struct Wardrobe {
    /// By the figure's address, which is its own as long as it is kept here.
    dresses: BTreeMap<*const Figure, (Arc<Figure>, Vec<Look>)>,
}

impl Wardrobe {
    /// What a figure's corners look like.
    fn looks(&mut self, figure: &Arc<Figure>) -> &[Look] {
        let dress = || {
            let look = |corner: &scenes::Corner| {
                let surface = Surface::new(corner.color, corner.finish);
                Look::new(&surface, figure.on_material(corner.point).as_dvec2())
            };
            (Arc::clone(figure), figure.corners().iter().map(look).collect())
        };
        &self.dresses.entry(Arc::as_ptr(figure)).or_insert_with(dress).1
    }
}

impl<'i> Triangles<'i> {
    /// None yet; things that move, whom nothing but themselves shades.
    pub fn in_the_open(illumination: &'i Illumination) -> Self {
        let light_at = Box::new(|at, normal| illumination.in_the_open(at, normal));
        Triangles { light_at, vertices: Vertices::default() }
    }

    /// None yet; things that stay, with the shadows they throw on one another.
    pub fn among_furniture(illumination: &'i Illumination) -> Self {
        let mut furniture_light = FurnitureLight::new(illumination);
        let light_at = Box::new(move |at, normal| {
            let light = furniture_light.at(at, normal);
            SurfaceLux { per_lux: light.per_lux() as f32, sun: light.sun as f32 }
        });
        Triangles { light_at, vertices: Vertices::default() }
    }

    /// All that was added.
    pub fn into_vertices(self) -> Vertices {
        self.vertices
    }

    /// Adds a solid.
    pub fn solid(&mut self, solid: &Solid) {
        match solid.shape {
            Shape::Cuboid(half) => self.cuboid(solid, half),
            Shape::Cylinder { radius, half_height } => self.cylinder(solid, radius, half_height),
            Shape::Ellipsoid(axes) => self.ellipsoid(solid, axes),
        }
    }

    /// Adds a dressed body that is out in the open.
    pub fn body(&mut self, body: &PosedFigure, wardrobe: &mut Wardrobe, illumination: &Illumination) {
        let skin = body.skin();
        let lit = illumination.on_skin(&skin);
        let first = self.vertices.len();
        self.vertices.looks.extend_from_slice(wardrobe.looks(&body.figure));
        self.vertices.placed.extend(body.figure.corners().iter().map(|corner| {
            let point = usize::from(corner.point);
            Placed { at: skin[point].at.to_array(), lit: lit[point].to_array() }
        }));
        let corners = body.figure.triangles().iter().flatten();
        self.vertices.indices.extend(corners.map(|corner| first + u32::from(*corner)));
    }

    /// Adds the walls, seen from inside, with the windows in them; `window_luminance` is in cd/m² at a level of 1 lx. Where
    /// mirrors are the walls are open.
    pub fn walls(&mut self, room: &Room, windows: &[WallPart], window_luminance: f64) {
        let surface = Surface::new(room.walls, room.walls_finish);
        for wall in Wall::ALL {
            let parts = windows.iter().chain(&room.mirrors).filter(|part| part.wall == wall);
            let openings: Vec<Rectangle> = parts.map(|part| room.part(part)).collect();
            self.rectangle(&room.wall(wall), &surface, &openings);
        }
        for window in windows {
            let pane = room.part(window);
            let lit = (self.light_at)(pane.corner + (pane.u + pane.v) / 2.0, pane.normal());
            let reflected = PANE * lit.per_lux / std::f32::consts::PI;
            self.vertices.shining(&pane, SKY.map(|part| part * window_luminance as f32 + reflected));
        }
    }

    /// A rectangle with openings, which lie in its plane along its edges.
    fn rectangle(&mut self, whole: &Rectangle, surface: &Surface, openings: &[Rectangle]) {
        let (u, v, normal) = (whole.u.normalize(), whole.v.normalize(), whole.normal());
        let span = |opening: &Rectangle, axis: DVec3, edge: DVec3| {
            let from = (opening.corner - whole.corner).dot(axis);
            [from, from + edge.length()]
        };
        let spans: Vec<_> = openings.iter().map(|o| (span(o, u, o.u), span(o, v, o.v))).collect();
        let columns = cuts(whole.u.length(), PIECE_M, spans.iter().flat_map(|(along, _)| *along));
        let rows = cuts(whole.v.length(), PIECE_M, spans.iter().flat_map(|(_, up)| *up));
        let first = self.vertices.len();
        for b in &rows {
            for a in &columns {
                let at = whole.corner + u * *a + v * *b;
                self.vertices.corner(at, Look::new(surface, DVec2::new(*a, *b)), (self.light_at)(at, normal));
            }
        }
        let between =
            |[from, to]: [f64; 2], cuts: &[f64], i: usize| (from..to).contains(&((cuts[i] + cuts[i + 1]) / 2.0));
        let open = |column: usize, row: usize| {
            spans.iter().any(|(along, up)| between(*along, &columns, column) && between(*up, &rows, row))
        };
        self.vertices.indices.extend(grid_triangles(columns.len(), rows.len(), first, open));
    }

    fn corner(&mut self, at: DVec3, normal: DVec3, on_material: DVec2, surface: &Surface) {
        let lit = (self.light_at)(at, normal);
        self.vertices.corner(at, Look::new(surface, on_material), lit);
    }

    fn cuboid(&mut self, solid: &Solid, half: DVec3) {
        let surface = Surface::new(solid.color, solid.finish);
        for axis in 0..3 {
            // Grain runs along the longer edge.
            let (a, b) = ((axis + 1) % 3, (axis + 2) % 3);
            let longer = if half[a] >= half[b] { a } else { b };
            for sign in [-1.0, 1.0] {
                let (mut normal, mut u) = (DVec3::ZERO, DVec3::ZERO);
                (normal[axis], u[longer]) = (sign, 1.0);
                let v = normal.cross(u);
                let turn = |own: DVec3| solid.turned * (own * half);
                let corner = solid.at + turn(normal - u - v);
                self.rectangle(&Rectangle { corner, u: turn(u * 2.0), v: turn(v * 2.0) }, &surface, &[]);
            }
        }
    }

    fn cylinder(&mut self, solid: &Solid, radius: f64, half_height: f64) {
        let surface = Surface::new(solid.color, solid.finish);
        let count = segments(radius);
        let place = |own: DVec3| solid.at + solid.turned * own;
        let first = self.vertices.len();
        for i in 0..=count {
            let (angle, out) = around(i, count);
            for z in [-half_height, half_height] {
                let on_material = DVec2::new(angle * radius, z);
                self.corner(place(out * radius + DVec3::Z * z), solid.turned * out, on_material, &surface);
            }
        }
        for i in 0..count {
            self.vertices.indices.extend([0, 2, 1, 1, 2, 3].map(|k| first + 2 * i + k));
        }
        for (z, normal) in [(-half_height, DVec3::NEG_Z), (half_height, DVec3::Z)] {
            let first = self.vertices.len();
            for i in 0..count {
                let own = around(i, count).1 * radius;
                self.corner(place(own + DVec3::Z * z), solid.turned * normal, own.truncate(), &surface);
            }
            for i in 1..count - 1 {
                let (a, b) = if z > 0.0 { (i, i + 1) } else { (i + 1, i) };
                self.vertices.indices.extend([first, first + a, first + b]);
            }
        }
    }

    fn ellipsoid(&mut self, solid: &Solid, axes: DVec3) {
        let surface = Surface::new(solid.color, solid.finish);
        let count = segments(axes.max_element());
        let first = self.vertices.len();
        for ring in 0..=RINGS {
            let latitude = std::f64::consts::PI * (f64::from(ring) / f64::from(RINGS) - 0.5);
            for i in 0..=count {
                let (angle, out) = around(i, count);
                let unit = out * latitude.cos() + DVec3::Z * latitude.sin();
                let normal = (unit / axes).normalize();
                let on_material = DVec2::new(angle, latitude) * axes.max_element();
                self.corner(solid.at + solid.turned * (unit * axes), solid.turned * normal, on_material, &surface);
            }
        }
        let triangles = grid_triangles(count as usize + 1, RINGS as usize + 1, first, |_, _| false);
        self.vertices.indices.extend(triangles);
    }
}

/// The light on the floor, which people's shadows fall on.
pub(super) struct Floor {
    light: FloorLight,
    /// Columns and rows of the places where it is known.
    size: (u32, u32),
}

/// The light on the floor as texels: lux at a level of 1 lx, and klx of the sun where a beam is.
pub(super) struct FloorTexels {
    /// Columns and rows.
    pub size: (u32, u32),
    pub texels: Vec<[f16; 2]>,
}

impl Floor {
    pub fn new(room: &Room, illumination: &Illumination) -> Self {
        let (x, y) = room.size_m;
        let piece_m = (x * y / FLOOR_PLACES).sqrt().max(FLOOR_PIECE_M);
        let (columns, rows) = (cuts(x, piece_m, []), cuts(y, piece_m, []));
        let size = (columns.len() as u32, rows.len() as u32);
        Floor { light: FloorLight::new(illumination, columns, rows), size }
    }

    /// The floor's surface, whose light comes as [`FloorTexels`].
    pub fn surface(room: &Room) -> Vertices {
        let surface = Surface::new(room.floor, room.floor_finish);
        let mut vertices = Vertices::default();
        let (x, y) = room.size_m;
        for at in [DVec2::ZERO, DVec2::new(x, 0.0), DVec2::new(x, y), DVec2::new(0.0, y)] {
            vertices.corner(at.extend(0.0), Look::new(&surface, at), SurfaceLux { per_lux: 0.0, sun: 0.0 });
        }
        vertices.indices.extend([0, 1, 2, 0, 2, 3]);
        vertices
    }

    /// Its light with the shadows of all that moves on it.
    pub fn shaded(&self, WorldState { people, doors, .. }: &WorldState) -> FloorTexels {
        let texel = |lux: SurfaceLux| [lux.per_lux, lux.sun / 1000.0].map(f16::from_f32);
        FloorTexels { size: self.size, texels: self.light.among(people, doors).map(texel).collect() }
    }
}

/// How many segments go around something of a radius.
fn segments(radius: f64) -> u32 {
    if radius < LARGE_M { AROUND } else { AROUND_LARGE }
}

/// The angle and the direction of a segment's edge.
fn around(i: u32, segments: u32) -> (f64, DVec3) {
    let angle = std::f64::consts::TAU * f64::from(i) / f64::from(segments);
    (angle, DVec3::new(angle.cos(), angle.sin(), 0.0))
}
