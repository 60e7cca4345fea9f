//! How much of whom the lens sees, frame by frame.
//!
//! The answer is defined plainly ([`Sight::look_plainly`]): of the points that stand for a body's surface, those that are inside the picture and
//! from which nothing keeps the lens. That takes hundreds of thousands of rays a frame in a furnished room full of people, and nearly all of them say
//! what they said a frame before. So points are placed about first and asked about exactly where it matters; who cannot be in the way is left out
//! by balls; and while somebody stays, what was found for all that is near the points of the body holds. Each of these gives the plain answer, to
//! the last bit (tested).

use std::cell::OnceCell;

use firmware_shim::View;
use glam::{DMat3, DVec2, DVec3, Vec2, Vec3A};
use scenes::{ABOUT_M, BonesSeen, Occluder, PersonState, PosedFigure, Scene, SightLine, Solid, WorldState};

use super::lens_table::LensTable;

/// What is found of somebody who stays holds as long as no point of the body moves farther than this, m.
const NEAR_M: f64 = 0.04;
/// And which points of the outline are outermost, as long as none moves farther than this, m.
const NEARER_M: f64 = 0.01;
/// Somebody of whom some point may move farther than this from frame to frame does not stay, m.
const PASSES_M: f64 = 0.012;
/// The furniture that may hide a body is found for all places so much farther out, m.
const SLACK_M: f32 = 0.15;
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

/// The way from the lens to a point that is known about.
#[derive(Clone, Copy)]
struct Way {
    to: Vec3A,
    per_squared_length: f32,
}

impl Way {
    fn to(about: Vec3A) -> Self {
        Way { to: about, per_squared_length: about.length_squared().recip() }
    }

    /// Whether anything in a ball may stand in it.
    fn may_be_barred_by(&self, ball: &Ball) -> bool {
        let part = (ball.middle.dot(self.to) * self.per_squared_length).clamp(0.0, 1.0);
        let radius = ball.radius + SPARE_M;
        (ball.middle - self.to * part).length_squared() <= radius * radius
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
    /// A frame before.
    last: Option<PosedFigure>,
    /// Which points were in the picture then, with no furniture in the way.
    seen: Vec<bool>,
    /// While the body stays where it is.
    still: Option<Still>,
}

/// What holds for all that is within [`NEAR_M`] of a body's points.
struct Still {
    body: PosedFigure,
    /// Around its samples and its head, with what is near.
    whole: Ball,
    /// Points that may be in the picture with no furniture in the way, or not; of the others it is known.
    asked: Vec<Asked>,
    /// Points of the outline that may be outermost.
    outer: Vec<usize>,
    /// And while it stays within [`NEARER_M`].
    outermost: Option<Outermost>,
}

/// The points of an outline that may be outermost.
struct Outermost {
    body: PosedFigure,
    points: Vec<usize>,
}

/// A point that may be seen or not.
struct Asked {
    /// The number of a sample; the head comes after the last.
    point: usize,
    /// The furniture on which that hangs.
    pieces: Vec<u32>,
}

/// What furniture does to all that is near a point.
enum Hides {
    /// One piece hides it.
    All,
    /// It hangs on these, if on any.
    Some(Vec<u32>),
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
        let mut hiding: Vec<Occluder> =
            others.flat_map(|(_, other)| other.solids()).map(|s| Occluder::new(&s)).collect();
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

    fn look_at(
        &self,
        person: &PersonState,
        body: &PosedFigure,
        own: usize,
        movers: &[Mover],
        memory: &mut Memory,
    ) -> Seen {
        let bones = body.bones_seen(self.lens, &self.axes);
        let Memory { near, last, seen, still } = memory;
        let samples = body.sample_count();
        // A point whose bones are all exactly where they were is seen if it was.
        let same = last.as_ref().map(|last| body.bones_as_in(last));
        let is_same = |i: usize| i < samples && same.is_some_and(|bones| body.sample_is_carried_by(i, bones));
        if still.as_ref().is_none_or(|still| body.moved_m(&still.body) > NEAR_M) {
            *still = None;
            if last.as_ref().is_some_and(|last| body.moved_m(last) <= PASSES_M) {
                *still = Some(self.still(person, body, &bones, near, seen));
            }
        }
        seen.resize(samples + 1, false);
        let (whole, box_px) = match still {
            Some(still) => {
                for Asked { point: i, pieces } in still.asked.iter().filter(|asked| !is_same(asked.point)) {
                    let exact = point(person, body, *i);
                    seen[*i] = self.is_in_picture(exact) && !self.furniture_hides(pieces, exact);
                }
                let outermost = still.outermost.take().filter(|it| body.moved_m(&it.body) <= NEARER_M);
                let outermost = outermost.unwrap_or_else(|| {
                    let outer = || still.outer.iter().copied();
                    let points = self.outermost(body, &bones, outer(), NEARER_M + ABOUT_M);
                    Outermost { body: body.clone(), points: points.unwrap_or_else(|| outer().collect()) }
                });
                let outline = still.outermost.insert(outermost).points.iter().copied();
                (still.whole, self.bounding_box(body, &bones, outline))
            }
            None => {
                let points = self.points(person, body, &bones);
                let whole = ball_around(&points);
                let near = self.furniture_near(whole, near);
                for (i, about) in points.into_iter().enumerate().filter(|(i, _)| !is_same(*i)) {
                    let exact = OnceCell::new();
                    let exact = || *exact.get_or_init(|| point(person, body, i));
                    let is_in_picture = self.is_about_in_picture(about, ABOUT_M);
                    seen[i] = is_in_picture.unwrap_or_else(|| self.is_in_picture(exact()))
                        && !self.furniture_hides_about(near, about, &exact);
                }
                (whole, self.bounding_box(body, &bones, 0..body.outline_count()))
            }
        };
        match last {
            Some(last) => last.clone_from(body),
            None => *last = Some(body.clone()),
        }
        // What somebody carries hides the one who carries it, too: an umbrella, a box.
        let carried: Vec<Occluder> = person.things.iter().map(Occluder::new).collect();
        let hiding = self.hiding(movers, own, &carried, &whole);
        let is_hidden = |i: usize| {
            let hides = |line: SightLine| hiding.iter().any(|occluder| occluder.stands_in(&line));
            !hiding.is_empty() && hides(SightLine::new(self.lens, point(person, body, i)))
        };
        let visible = (0..samples).filter(|i| seen[*i] && !is_hidden(*i)).count();
        Seen {
            visible: visible as f64 / samples.max(1) as f64,
            box_px,
            head_in_sight: seen[samples] && !is_hidden(samples),
        }
    }

    /// Everything but furniture that may hide anything of somebody.
    fn hiding<'o>(&self, movers: &'o [Mover], own: usize, carried: &'o [Occluder], whole: &Ball) -> Vec<&'o Occluder> {
        let others = movers.iter().enumerate().filter(|(i, mover)| *i != own && mover.ball.may_hide(whole));
        let solids = others.flat_map(|(_, mover)| mover.solids(self.lens, &self.axes));
        solids.filter(|(_, ball)| ball.may_hide(whole)).map(|(occluder, _)| occluder).chain(carried).collect()
    }

    /// The body's samples, and the head, about.
    fn points(&self, person: &PersonState, body: &PosedFigure, bones: &BonesSeen) -> Vec<Vec3A> {
        let samples = (0..body.sample_count()).map(|i| body.sample_seen(i, bones));
        samples.chain([(self.axes * (person.head - self.lens)).as_vec3a()]).collect()
    }

    /// What holds for all that is near a body's points; of those of which it is known, whether they are seen.
    fn still(
        &self,
        person: &PersonState,
        body: &PosedFigure,
        bones: &BonesSeen,
        near: &mut Option<(Ball, Vec<u32>)>,
        seen: &mut [bool],
    ) -> Still {
        let points = self.points(person, body, bones);
        let whole = ball_around(&points);
        let near = self.furniture_near(whole, near);
        let mut asked = Vec::new();
        for (i, about) in points.into_iter().enumerate() {
            let is_in_picture = self.is_about_in_picture(about, NEAR_M + ABOUT_M);
            let hides = || self.furniture_hides_near(about, &|| point(person, body, i), near);
            match if is_in_picture == Some(false) { Hides::All } else { hides() } {
                Hides::All => seen[i] = false,
                Hides::Some(pieces) if pieces.is_empty() && is_in_picture == Some(true) => seen[i] = true,
                Hides::Some(pieces) => asked.push(Asked { point: i, pieces }),
            }
        }
        let whole = Ball { radius: whole.radius + NEAR_M as f32, ..whole };
        Still { body: body.clone(), whole, asked, outer: self.outer(body, bones), outermost: None }
    }

    /// The points of a body's outline that may be outermost while none moves farther than [`NEAR_M`].
    fn outer(&self, body: &PosedFigure, bones: &BonesSeen) -> Vec<usize> {
        let all = 0..body.outline_count();
        let may_be_outermost = self.outermost(body, bones, all.clone(), NEAR_M + ABOUT_M);
        may_be_outermost.unwrap_or_else(|| all.collect())
    }

    /// Of some points of a body's outline those that may be outermost if all are off by so much; `None` if that is not known.
    fn outermost(
        &self,
        body: &PosedFigure,
        bones: &BonesSeen,
        outline: impl Iterator<Item = usize>,
        by_m: f64,
    ) -> Option<Vec<usize>> {
        let mut pixels = Vec::with_capacity(192);
        let (mut min, mut max) = (Vec2::INFINITY, Vec2::NEG_INFINITY);
        let (mut square, mut nearest) = (0f32, f32::INFINITY);
        for i in outline {
            let about = body.outline_seen(i, bones);
            let (pixel, squared) = self.table.pixel_and_square(about)?;
            (min, max) = (min.min(pixel), max.max(pixel));
            (square, nearest) = (square.max(squared), nearest.min(about.length_squared()));
            pixels.push((i, pixel));
        }
        // Each may be off so much, and so may those that seem to be outermost.
        let off_px = self.table.off_at(square.sqrt(), nearest.sqrt(), by_m as f32)?;
        let (min, max) = (min + 2.0 * off_px, max - 2.0 * off_px);
        let inside = |pixel: &Vec2| pixel.cmpgt(min).all() && pixel.cmplt(max).all();
        Some(pixels.into_iter().filter(|(_, pixel)| !inside(pixel)).map(|(i, _)| i).collect())
    }

    /// Whether all that is within `by_m` of a point that is known about is in the picture, or none of it.
    fn is_about_in_picture(&self, about: Vec3A, by_m: f64) -> Option<bool> {
        let (pixel, off_px) = (self.table.pixel(about)?, self.table.off_by(about, by_m as f32)?);
        let size = Vec2::new(self.view.lens.width as f32, self.view.lens.height as f32);
        let inside_px = pixel.min(size - pixel).min_element();
        (inside_px.abs() > off_px).then_some(inside_px > 0.0)
    }

    /// The box around these points of the body's outline.
    fn bounding_box(
        &self,
        body: &PosedFigure,
        bones: &BonesSeen,
        outline: impl Iterator<Item = usize> + Clone,
    ) -> Option<(DVec2, DVec2)> {
        let exactly = |i: usize| self.pixel(body.outline_point(i));
        match self.outermost(body, bones, outline.clone(), ABOUT_M) {
            Some(outermost) => bounds(outermost.into_iter().map(exactly)),
            None => bounds(outline.map(exactly)),
        }
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

    fn furniture_hides(&self, pieces: &[u32], point: DVec3) -> bool {
        let line = SightLine::new(self.lens, point);
        pieces.iter().any(|i| self.furniture[*i as usize].plain.stands_in(&line))
    }

    /// The same of a point that is known about.
    fn furniture_hides_about(&self, pieces: &[u32], about: Vec3A, exact: &dyn Fn() -> DVec3) -> bool {
        let way = Way::to(about);
        let mut barring =
            pieces.iter().map(|i| &self.furniture[*i as usize]).filter(|piece| way.may_be_barred_by(&piece.ball));
        barring.any(|piece| piece.plain.hides(self.lens, exact()))
    }

    /// What furniture does to all that is within [`NEAR_M`] of a point that is known about.
    fn furniture_hides_near(&self, about: Vec3A, exact: &dyn Fn() -> DVec3, near: &[u32]) -> Hides {
        let piece = |i: &u32| &self.furniture[*i as usize];
        let way = Way::to(about);
        let barring: Vec<u32> = near.iter().copied().filter(|i| way.may_be_barred_by(&piece(i).ball)).collect();
        if barring.is_empty() {
            return Hides::Some(barring);
        }
        let point = exact();
        let suspects: Vec<u32> = barring.into_iter().filter(|i| piece(i).grown.hides(self.lens, point)).collect();
        if suspects.iter().any(|i| self.hides_all_near(&piece(i).plain, point)) {
            return Hides::All;
        }
        Hides::Some(suspects)
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

/// A sample of the body, or the head.
fn point(person: &PersonState, body: &PosedFigure, i: usize) -> DVec3 {
    if i < body.sample_count() { body.sample(i) } else { person.head }
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
