//! How much of whom the lens sees, frame by frame.
//!
//! The answer is defined plainly ([`Sight::look_plainly`]): of the points that stand for a body's surface, those that are inside the picture and
//! from which nothing keeps the lens. That takes hundreds of thousands of rays a frame in a furnished room full of people, and nearly all of them say
//! what they said a frame before. So points are placed about first and asked about exactly where it matters; who cannot be in the way is left out
//! by balls; and what furniture does to a point holds as long as the point stays near where that was found for all that is near. Each of these gives the plain answer, to
//! the last bit (tested).

use std::cell::OnceCell;

use firmware_shim::View;
use glam::{DMat3, DVec2, DVec3, Vec2, Vec3A};
use scenes::{ABOUT_M, Occluder, PersonState, PosedFigure, Scene, Solid, WorldState};

use super::lens_table::LensTable;

/// What furniture does to a point is found for all that is so near to it, m.
const NEAR_M: f64 = 0.03;
/// So it holds as long as the point, which is known about, seems to stay as near as this.
const STAYS_M: f32 = (NEAR_M - 3.0 * ABOUT_M) as f32;
/// Who moves more than this from frame to frame does not stay for long, m: nothing is found for what is near.
const PASSES_M: f32 = 0.01;
/// The furniture that may hide a body is found for all places so much farther out, m.
const SLACK_M: f32 = 0.15;
/// So many pieces that may hide a point or not are remembered.
const SUSPECTS: usize = 8;
/// What is asked of balls is asked with so much to spare for single precision, m.
const SPARE_M: f32 = 1e-3;

/// How much of a person is seen.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    /// The part of the points that stand for the body, 0 to 1.
    pub visible: f64,
    /// Of the dressed body and what it carries: top left and bottom right, pixels.
    pub box_px: Option<(DVec2, DVec2)>,
    pub head_in_sight: bool,
}

/// A lens in a furnished room.
pub(super) struct Sight {
    view: View,
    /// The sensor's place on the floor.
    sensor_foot: DVec3,
    /// The lens's place in the room.
    lens: DVec3,
    /// Turns the room's axes to the camera's.
    axes: DMat3,
    table: LensTable,
    furniture: Vec<Piece>,
}

/// A solid that stays.
struct Piece {
    plain: Occluder,
    /// With all that is within [`NEAR_M`].
    grown: Occluder,
    ball: Ball,
}

/// In the camera frame, m.
#[derive(Clone, Copy)]
struct Ball {
    middle: Vec3A,
    radius: f32,
}

impl Ball {
    /// Whether it may reach into the cone from the lens to all of `body`.
    fn may_hide(&self, body: &Ball) -> bool {
        let far_squared = body.middle.length_squared();
        let widens_squared = body.radius * body.radius / far_squared;
        if widens_squared >= 1.0 {
            return true;
        }
        let part = self.middle.dot(body.middle) / far_squared;
        let aside = (self.middle - body.middle * part).length();
        // To the cone, as if it had no end; and to its end.
        let apart = aside * (1.0 - widens_squared).sqrt() - part * body.radius;
        let behind = (part - 1.0) * far_squared.sqrt() - body.radius;
        apart.max(behind) <= self.radius + SPARE_M
    }
}

/// Somebody or something that moves, and may hide others.
struct Mover<'w> {
    ball: Ball,
    of: Moving<'w>,
    /// Made when somebody may be behind.
    solids: OnceCell<Vec<(Occluder, Ball)>>,
}

enum Moving<'w> {
    Person(&'w PersonState),
    Door(&'w Solid),
}

/// What is remembered of somebody from frame to frame.
#[derive(Default)]
pub(super) struct Memory {
    /// The furniture that may hide anything within a ball.
    near: Option<(Ball, Vec<u32>)>,
    /// One a point: the body's samples, then the head.
    points: Vec<Point>,
    placed: Vec<Vec3A>,
}

/// What furniture does to a point of a body.
#[derive(Clone, Copy)]
struct Point {
    at: Vec3A,
    furniture: Hides,
}

#[derive(Clone, Copy)]
enum Hides {
    /// None of it hides anything near.
    Nothing,
    /// One piece hides all that is near.
    All,
    /// It is not the same for all that is near, and hangs on so many of these pieces.
    Some { count: usize, pieces: [u32; SUSPECTS] },
    /// It hangs on more.
    Many,
    /// It was not asked.
    Unknown,
}

impl Sight {
    pub fn new(scene: &Scene, sensor_at: DVec2, view: View) -> Self {
        let lens = sensor_at.extend(view.mounting.height_m);
        let axes = view.axes().transpose();
        let piece = |solid: &Solid| {
            let grown = Occluder::new(&solid.grown(NEAR_M));
            let ball = ball(lens, &axes, grown.ball());
            Piece { plain: Occluder::new(solid), grown, ball }
        };
        let furniture = scene.fixed_solids().iter().map(piece).collect();
        let table = LensTable::new(&view.lens);
        Sight { view, sensor_foot: sensor_at.extend(0.0), lens, axes, table, furniture }
    }

    /// As [`View::pixel`], of a point of the room.
    pub fn pixel(&self, point: DVec3) -> Option<DVec2> {
        let around_sensor = point - self.sensor_foot;
        let from_lens = around_sensor - DVec3::new(0.0, 0.0, self.view.mounting.height_m);
        self.view.lens.project(self.axes * from_lens)
    }

    /// How much of everybody is seen. `memory` is what was remembered of each of the scene's people in frames before.
    pub fn look(&self, world: &WorldState, memory: &mut Vec<Memory>) -> Vec<Seen> {
        let movers: Vec<Mover> = self.movers(world);
        let look = |(i, person): (usize, &PersonState)| {
            let Some(body) = &person.body else { return self.look_plainly(world, i) };
            if memory.len() <= person.index {
                memory.resize_with(person.index + 1, Memory::default);
            }
            self.look_at(person, body, i, &movers, &mut memory[person.index])
        };
        world.people.iter().enumerate().map(look).collect()
    }

    /// Person `i` of a world, asked point by point: what all else must give.
    pub fn look_plainly(&self, world: &WorldState, i: usize) -> Seen {
        let person = &world.people[i];
        let others = world.people.iter().enumerate().filter(|(other, _)| *other != i);
        let mut hiding: Vec<Occluder> = others.flat_map(|(_, other)| other.solids()).map(|s| Occluder::new(&s)).collect();
        hiding.extend(world.doors.iter().map(Occluder::new));
        // What somebody carries hides the one who carries it, too: an umbrella, a box.
        if person.body.is_some() {
            hiding.extend(person.things.iter().map(Occluder::new));
        }
        let can_be_seen = |point: DVec3| {
            self.is_in_picture(point)
                && !self.furniture.iter().any(|piece| piece.plain.hides(self.lens, point))
                && !hiding.iter().any(|occluder| occluder.hides(self.lens, point))
        };
        let samples = person.samples();
        let seen = samples.iter().filter(|point| can_be_seen(**point)).count();
        Seen {
            visible: seen as f64 / samples.len().max(1) as f64,
            box_px: bounds(person.outline().into_iter().map(|point| self.pixel(point))),
            head_in_sight: can_be_seen(person.head),
        }
    }

    fn is_in_picture(&self, point: DVec3) -> bool {
        self.pixel(point).is_some_and(|pixel| self.view.lens.contains(pixel))
    }

    fn movers<'w>(&self, world: &'w WorldState) -> Vec<Mover<'w>> {
        let mover = |of, around| Mover { ball: ball(self.lens, &self.axes, around), of, solids: OnceCell::new() };
        let people = world.people.iter().map(|person| mover(Moving::Person(person), around(person)));
        let doors = world.doors.iter().map(|leaf| mover(Moving::Door(leaf), (leaf.at, leaf.bounding_radius())));
        people.chain(doors).collect()
    }

    fn look_at(&self, person: &PersonState, body: &PosedFigure, own: usize, movers: &[Mover], memory: &mut Memory) -> Seen {
        let bones = body.bones_seen(self.lens, &self.axes);
        let box_px = self.bounding_box(body, body.outline_seen(&bones));

        let Memory { near, points, placed } = memory;
        placed.clear();
        placed.extend(body.samples_seen(&bones));
        let samples = placed.len();
        placed.push((self.axes * (person.head - self.lens)).as_vec3a());
        let whole = ball_around(placed);
        let near = self.furniture_near(whole, near);
        let others = movers.iter().enumerate().filter(|(i, mover)| *i != own && mover.ball.may_hide(&whole));
        let solids = others.flat_map(|(_, mover)| mover.solids(self.lens, &self.axes));
        let hiding: Vec<&Occluder> =
            solids.filter(|(_, ball)| ball.may_hide(&whole)).map(|(occluder, _)| occluder).collect();
        // What somebody carries hides the one who carries it, too: an umbrella, a box.
        let carried: Vec<Occluder> = person.things.iter().map(Occluder::new).collect();

        points.resize(placed.len(), Point { at: Vec3A::INFINITY, furniture: Hides::Unknown });
        let mut can_be_seen = |i: usize| {
            let (about, exact) = (placed[i], OnceCell::new());
            let exact = || *exact.get_or_init(|| if i < samples { body.sample(i) } else { person.head });
            self.is_about_in_picture(about).unwrap_or_else(|| self.is_in_picture(exact()))
                && !self.furniture_hides(about, &exact, near, &mut points[i])
                && !hiding.iter().copied().chain(&carried).any(|occluder| occluder.hides(self.lens, exact()))
        };
        let seen = (0..samples).filter(|i| can_be_seen(*i)).count();
        Seen { visible: seen as f64 / samples.max(1) as f64, box_px, head_in_sight: can_be_seen(samples) }
    }

    /// Whether a point that is known about is in the picture, unless that hangs on where exactly it is.
    fn is_about_in_picture(&self, about: Vec3A) -> Option<bool> {
        let pixel = self.table.pixel(about)?;
        let size = Vec2::new(self.view.lens.width as f32, self.view.lens.height as f32);
        let inside_px = pixel.min(size - pixel).min_element();
        (inside_px.abs() > self.off_px(about)).then_some(inside_px > 0.0)
    }

    /// How far off a pixel may be that the table gives for a point that is known about.
    fn off_px(&self, about: Vec3A) -> f32 {
        // At most as much as at a lens without a barrel, by the slope of the tangent.
        let far = about.length() / about.z;
        self.table.off_px + 2.0 * ABOUT_M as f32 * self.view.lens.focal_px as f32 * far * far / about.z
    }

    /// The box around points of the body that are known about, exactly.
    fn bounding_box(&self, body: &PosedFigure, outline: impl Iterator<Item = Vec3A>) -> Option<(DVec2, DVec2)> {
        let mut pixels = Vec::with_capacity(192);
        let (mut min, mut max, mut off_px) = (Vec2::INFINITY, Vec2::NEG_INFINITY, 0f32);
        for about in outline {
            let Some(pixel) = self.table.pixel(about) else {
                return bounds(body.outline().into_iter().map(|point| self.pixel(point)));
            };
            (min, max, off_px) = (min.min(pixel), max.max(pixel), off_px.max(self.off_px(about)));
            pixels.push(pixel);
        }
        // Only these can be outermost.
        let (min, max) = (min + 2.0 * off_px, max - 2.0 * off_px);
        let outer = pixels.iter().enumerate().filter(|(_, pixel)| !(pixel.cmpgt(min).all() && pixel.cmplt(max).all()));
        bounds(outer.map(|(i, _)| self.pixel(body.outline_point(i))))
    }

    /// The furniture that may hide anything in a ball, as remembered or anew.
    fn furniture_near<'m>(&self, whole: Ball, remembered: &'m mut Option<(Ball, Vec<u32>)>) -> &'m [u32] {
        let holds = |(room, _): &(Ball, Vec<u32>)| room.middle.distance(whole.middle) + whole.radius <= room.radius;
        if !remembered.as_ref().is_some_and(holds) {
            let room = Ball { radius: whole.radius + SLACK_M, ..whole };
            let near = self.furniture.iter().enumerate().filter(|(_, piece)| piece.ball.may_hide(&room));
            *remembered = Some((room, near.map(|(i, _)| i as u32).collect()));
        }
        remembered.as_ref().map_or(&[], |(_, near)| near)
    }

    /// Whether some of the furniture `near` hides a point.
    fn furniture_hides(&self, about: Vec3A, exact: &dyn Fn() -> DVec3, near: &[u32], point: &mut Point) -> bool {
        let hides = |piece: &u32| self.furniture[*piece as usize].plain.hides(self.lens, exact());
        let moved_m = about.distance(point.at);
        if moved_m > STAYS_M {
            *point = Point { at: about, furniture: Hides::Unknown };
        } else if moved_m <= PASSES_M && matches!(point.furniture, Hides::Unknown) {
            *point = Point { at: about, furniture: self.furniture_hides_near(exact(), near) };
        }
        match &point.furniture {
            Hides::Nothing => false,
            Hides::All => true,
            Hides::Some { count, pieces } => pieces[..*count].iter().any(hides),
            Hides::Many | Hides::Unknown => near.iter().any(hides),
        }
    }

    /// What furniture does to all that is within [`NEAR_M`] of a point.
    fn furniture_hides_near(&self, point: DVec3, near: &[u32]) -> Hides {
        let (mut count, mut pieces) = (0, [0; SUSPECTS]);
        for i in near.iter().filter(|i| self.furniture[**i as usize].grown.hides(self.lens, point)) {
            if self.hides_all_near(&self.furniture[*i as usize].plain, point) {
                return Hides::All;
            }
            let Some(suspect) = pieces.get_mut(count) else { return Hides::Many };
            (*suspect, count) = (*i, count + 1);
        }
        if count == 0 { Hides::Nothing } else { Hides::Some { count, pieces } }
    }

    /// Whether one solid hides all that is within [`NEAR_M`] of a point.
    fn hides_all_near(&self, solid: &Occluder, point: DVec3) -> bool {
        // The shadow of a convex solid is convex: if it holds the corners of an octahedron, it holds the ball inside.
        let corner_m = 3f64.sqrt() * (NEAR_M + ABOUT_M);
        let corners = [DVec3::X, DVec3::Y, DVec3::Z].map(|axis| axis * corner_m);
        let hides = |off: DVec3| solid.hides(self.lens, point + off);
        corners.into_iter().all(|corner| hides(corner) && hides(-corner))
    }
}

impl Mover<'_> {
    fn solids(&self, lens: DVec3, axes: &DMat3) -> &[(Occluder, Ball)] {
        self.solids.get_or_init(|| {
            let solids = match self.of {
                Moving::Person(person) => person.solids(),
                Moving::Door(leaf) => vec![*leaf],
            };
            let occluders = solids.iter().map(Occluder::new);
            occluders.map(|occluder| (occluder.clone(), ball(lens, axes, occluder.ball()))).collect()
        })
    }
}

/// A ball of the room that holds all of a person that hides things.
fn around(person: &PersonState) -> (DVec3, f64) {
    let (middle, radius) = person.body.as_ref().map_or((person.floor.extend(0.0), 0.0), PosedFigure::ball);
    let reach = |thing: &Solid| thing.at.distance(middle) + thing.bounding_radius();
    (middle, person.things.iter().map(reach).fold(radius, f64::max))
}

fn ball(lens: DVec3, axes: &DMat3, (middle, radius): (DVec3, f64)) -> Ball {
    Ball { middle: (*axes * (middle - lens)).as_vec3a(), radius: radius as f32 }
}

fn ball_around(points: &[Vec3A]) -> Ball {
    let middle = points.iter().sum::<Vec3A>() / points.len() as f32;
    let radius = points.iter().map(|point| point.distance_squared(middle)).fold(0.0, f32::max).sqrt();
    Ball { middle, radius: radius + SPARE_M }
}

/// The box around pixels, if all are in the lens's field.
fn bounds(pixels: impl Iterator<Item = Option<DVec2>>) -> Option<(DVec2, DVec2)> {
    let mut bounds: Option<(DVec2, DVec2)> = None;
    for pixel in pixels {
        let pixel = pixel?;
        bounds = Some(bounds.map_or((pixel, pixel), |(min, max)| (min.min(pixel), max.max(pixel))));
    }
    bounds
}
