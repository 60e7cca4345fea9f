//! A dressed body: the skin of a physique, pushed out where hair and garments are, in their colours, with shells for
//! what stands off the skin.

use std::collections::BTreeMap;

use glam::{Vec2, Vec3};

use crate::anatomy::{Influences, Part, Physique, anatomy};
use crate::body::{Body, Hair, Wear};
use crate::marks::Marks;
use crate::skeleton::{BONES, Bone};
use crate::{Color, Finish};

/// A dressed body at rest, ready to be posed.
#[derive(Debug, PartialEq)]
pub struct Figure {
    pub(crate) points: Vec<Vec3>,
    pub(crate) normals: Vec<Vec3>,
    pub(crate) influences: Vec<Influences>,
    pub(crate) open: Vec<f32>,
    /// Where two materials meet a point has two.
    corners: Vec<Corner>,
    triangles: Vec<[u16; 3]>,
    pub(crate) joints: [Vec3; BONES],
    pub(crate) flesh: Vec<Flesh>,
    /// Points of the skin, well apart from one another, that stand for all of it.
    pub(crate) samples: Vec<u16>,
    /// Points of skin and shells that bound all of it, but for two or three centimetres.
    pub(crate) outline: Vec<u16>,
    /// The samples, ready to be placed about.
    pub(crate) sample_marks: Marks,
    /// The outline, too.
    pub(crate) outline_marks: Marks,
    /// How far from its joint each bone carries any of either, m.
    pub(crate) reach_m: [f64; BONES],
}

/// A point of a figure in one of its materials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corner {
    /// Index of the point.
    pub point: u16,
    /// The material's colour.
    pub color: Color,
    /// The material.
    pub finish: Finish,
}

/// What covers a part of a body.
struct Cover {
    color: Color,
    finish: Finish,
    thickness_m: f32,
}

/// About what a bone carries: an ellipsoid in the body at rest.
#[derive(Debug, PartialEq)]
pub(crate) struct Flesh {
    pub bone: Bone,
    pub middle: Vec3,
    pub half: Vec3,
    /// All of it is so near to its bone's joint, m.
    pub reach_m: f64,
}

/// How open shells are to light: they stand off the body, and nothing of it is over them.
const SHELL_OPEN: f32 = 0.8;
/// How many points stand for a body's surface in the ground truth.
const SAMPLES: usize = 40;
/// How many bound it: what is furthest from those before comes first, so that crown, hands and feet are among them.
const OUTLINE: usize = 160;

impl Figure {
    /// The figure of a body. `physique` is the body's, scaled to its stature.
    pub(crate) fn new(body: &Body, physique: &Physique) -> Self {
        let anatomy = anatomy();
        let look = |part: Part| look(body, part);
        // A point is pushed out by the mean of what the parts around it are.
        let mut thickness = vec![(0.0f32, 0.0f32); physique.points.len()];
        for (triangle, part) in anatomy.triangles.iter().zip(&anatomy.parts) {
            for corner in triangle {
                let sum = &mut thickness[usize::from(*corner)];
                *sum = (sum.0 + look(*part).thickness_m, sum.1 + 1.0);
            }
        }
        let skin = normals(&physique.points, &anatomy.triangles);
        let points: Vec<Vec3> = (physique.points.iter().zip(&skin).zip(&thickness))
            .map(|((point, normal), (sum, count))| *point + *normal * (sum / count.max(1.0)))
            .collect();

        let mut figure = Figure {
            points,
            normals: Vec::new(),
            influences: anatomy.influences.clone(),
            open: anatomy.open.clone(),
            corners: Vec::new(),
            triangles: Vec::new(),
            joints: physique.joints,
            flesh: flesh(physique),
            samples: spread(&physique.points, SAMPLES),
            outline: Vec::new(),
            sample_marks: Marks::default(),
            outline_marks: Marks::default(),
            reach_m: [0.0; BONES],
        };
        let mut corners = BTreeMap::new();
        for (triangle, part) in anatomy.triangles.iter().zip(&anatomy.parts) {
            let Cover { color, finish, .. } = look(*part);
            let indexed = triangle.map(|point| {
                *corners.entry((point, color, finish.kind())).or_insert_with(|| {
                    figure.corners.push(Corner { point, color, finish });
                    (figure.corners.len() - 1) as u16
                })
            });
            figure.triangles.push(indexed);
        }
        figure.add_hair(body);
        figure.add_garments(body);
        let all: Vec<[u16; 3]> =
            figure.triangles.iter().map(|t| t.map(|c| figure.corners[usize::from(c)].point)).collect();
        figure.normals = normals(&figure.points, &all);
        figure.outline = spread(&figure.points, OUTLINE);
        figure.sample_marks = Marks::new(&figure.samples, &figure.points, &figure.influences);
        figure.outline_marks = Marks::new(&figure.outline, &figure.points, &figure.influences);
        let rest = |chosen: &[u16]| chosen.iter().map(|index| figure.points[usize::from(*index)]).collect::<Vec<_>>();
        let samples = figure.sample_marks.reach_m(rest(&figure.samples).into_iter(), &figure.joints);
        let outline = figure.outline_marks.reach_m(rest(&figure.outline).into_iter(), &figure.joints);
        figure.reach_m = std::array::from_fn(|bone| samples[bone].max(outline[bone]));
        let to_head = figure.head().distance(figure.joints[Bone::Head as usize]);
        figure.reach_m[Bone::Head as usize] = figure.reach_m[Bone::Head as usize].max(f64::from(to_head));
        figure
    }

    /// Triangles as indices of corners, counter-clockwise from outside.
    pub fn triangles(&self) -> &[[u16; 3]] {
        &self.triangles
    }

    /// The points in their materials.
    pub fn corners(&self) -> &[Corner] {
        &self.corners
    }

    /// Where a point lies on its material, metres along and across: slanted planes through the body at rest, so that neither its
    /// front, nor its sides, nor its shoulders are seen edge on.
    pub fn on_material(&self, point: u16) -> Vec2 {
        let rest = self.points[usize::from(point)];
        Vec2::new(rest.x + 0.35 * rest.y, 0.9 * rest.z + 0.6 * rest.y)
    }

    /// The middle of the head at rest.
    pub(crate) fn head(&self) -> Vec3 {
        self.flesh_of(Bone::Head).middle
    }

    fn flesh_of(&self, bone: Bone) -> &Flesh {
        self.flesh.iter().find(|flesh| flesh.bone == bone).expect("every bone carries flesh")
    }

    /// A sheet of points in rows that go down and run, seen from above, clockwise: from the right over the back to the left.
    /// It is seen from outside.
    fn add_sheet(&mut self, color: Color, finish: Finish, columns: usize, rows: &[Vec<(Vec3, Influences)>]) {
        let mut before: Option<usize> = None;
        for row in rows {
            let first = self.corners.len();
            for (point, influences) in row {
                self.corners.push(Corner { point: self.points.len() as u16, color, finish });
                self.points.push(*point);
                self.influences.push(*influences);
                self.open.push(SHELL_OPEN);
            }
            if let Some(before) = before {
                for i in 0..columns - 1 {
                    let [a, b, c, d] = [before + i, before + i + 1, first + i, first + i + 1].map(|i| i as u16);
                    self.triangles.extend([[a, b, c], [b, d, c]]);
                }
            }
            before = Some(first);
        }
    }

    /// Hair, or what covers it, where it stands off the skull.
    fn add_hair(&mut self, body: &Body) {
        let (middle, half) = (self.head(), self.flesh_of(Bone::Head).half);
        let neck = self.joints[Bone::Neck as usize];
        let only = |bone: Bone| [(bone, 1.0), (bone, 0.0), (bone, 0.0), (bone, 0.0)];
        let both = |part: f32| [(Bone::Head, part), (Bone::Chest, 1.0 - part), (Bone::Chest, 0.0), (Bone::Chest, 0.0)];
        // Angle from straight back over which it reaches, how far off the skull, how low below the neck's joint, how wide there.
        let (color, finish, reach, off, low, wide) = match body.hair {
            Hair::Bald | Hair::Short | Hair::Bun | Hair::Cap => return self.add_small_hair(body, middle, half),
            Hair::Long => (body.hair_color, Finish::Hair, 1.95, 0.022, 0.06, 1.05),
            Hair::Hood => (body.top, body.pattern, 2.35, 0.045, 0.03, 1.5),
            Hair::Headscarf => (body.hair_color, Finish::Fabric, 2.45, 0.028, 0.06, 1.45),
        };
        const COLUMNS: usize = 11;
        // Both its edges lie on the face: from behind one would see where they end in the air.
        let tuck = 0.97 * half.x / (half.x + off);
        let row = |z: f32, wide: f32, deep: f32, back: f32, carried: Influences| -> Vec<(Vec3, Influences)> {
            (0..COLUMNS)
                .map(|i| {
                    let part = if i == 0 || i == COLUMNS - 1 { tuck } else { 1.0 };
                    let (wide, deep) = (wide * part, deep * part);
                    // From the right, round the back, to the left.
                    let angle = reach * (1.0 - 2.0 * i as f32 / (COLUMNS - 1) as f32);
                    (Vec3::new(middle.x + wide * angle.sin(), middle.y - back - deep * angle.cos(), z), carried)
                })
                .collect()
        };
        let (rx, ry, rz) = (half.x + off, half.y + off, half.z + off);
        let mut rows = Vec::new();
        for polar in [0.12f32, 0.45, 0.85, 1.25] {
            rows.push(row(middle.z + rz * polar.cos(), rx * polar.sin(), ry * polar.sin(), 0.0, only(Bone::Head)));
        }
        let bottom = neck.z - low;
        for (part, weight) in [(0.4f32, 1.0), (0.75, 0.7), (1.0, 0.35)] {
            let z = middle.z + (bottom - middle.z) * part;
            let spread = 1.0 + (wide - 1.0) * part * part;
            rows.push(row(z, rx * spread, ry * spread * 0.95, 0.01 * part, both(weight)));
        }
        self.add_sheet(color, finish, COLUMNS, &rows);
    }

    fn add_small_hair(&mut self, body: &Body, middle: Vec3, half: Vec3) {
        let head = [(Bone::Head, 1.0), (Bone::Head, 0.0), (Bone::Head, 0.0), (Bone::Head, 0.0)];
        match body.hair {
            Hair::Bun => {
                let at = middle + Vec3::new(0.0, -half.y - 0.035, half.z * 0.45);
                const COLUMNS: usize = 9;
                let rows: Vec<Vec<(Vec3, Influences)>> = (0..=5)
                    .map(|row| {
                        let polar = std::f32::consts::PI * (0.02 + 0.96 * row as f32 / 5.0);
                        let ring = (0..COLUMNS).map(|i| {
                            let angle = -std::f32::consts::TAU * i as f32 / (COLUMNS - 1) as f32;
                            let out = Vec3::new(polar.sin() * angle.cos(), polar.sin() * angle.sin(), polar.cos());
                            (at + 0.048 * out, head)
                        });
                        ring.collect()
                    })
                    .collect();
                self.add_sheet(body.hair_color, Finish::Hair, COLUMNS, &rows);
            }
            Hair::Cap => {
                // The visor: a plate ahead of the forehead, seen from above, that begins inside the head.
                let visor = |wide: f32, deep: f32, drop: f32| -> Vec<(Vec3, Influences)> {
                    (0..6)
                        .map(|i| {
                            // Clockwise, as on the back: over the front that is from the left to the right.
                            let angle = 1.15 * (2.0 * i as f32 / 5.0 - 1.0);
                            let reach = Vec3::new(wide * angle.sin(), deep * angle.cos(), half.z * 0.62);
                            (middle + reach - Vec3::Z * drop, head)
                        })
                        .collect()
                };
                self.add_sheet(
                    body.hair_color,
                    Finish::Fabric,
                    6,
                    &[visor(0.7 * half.x, 0.7 * half.y, 0.0), visor(half.x + 0.01, half.y + 0.075, 0.035)],
                );
            }
            Hair::Bald | Hair::Short | Hair::Long | Hair::Hood | Hair::Headscarf => {}
        }
    }

    /// Skirts, and the lower part of coats: a shell from the waist down, carried by the thighs.
    fn add_garments(&mut self, body: &Body) {
        let knee = self.joints[Bone::RightShin as usize].z;
        let (color, finish, bottom, off) = match body.wears {
            Wear::Skirt => (body.trousers, Finish::Fabric, knee + 0.04, 0.02),
            Wear::Coat => (body.top, body.pattern, knee + 0.10, 0.045),
            Wear::Shirt | Wear::TShirt | Wear::Jacket | Wear::Vest => return,
        };
        let waist = self.joints[Bone::Belly as usize].z + 0.04;
        let middle = self.flesh_of(Bone::Pelvis).middle;
        // The body's half width and depth at each height, never less than above: cloth hangs.
        let trunk: Vec<Vec3> = (self.points.iter().zip(&self.influences))
            .filter(|(_, influences)| {
                let carried = |(bone, weight): &(Bone, f32)| *weight > 0.3 && TRUNK.contains(bone);
                influences.iter().any(carried)
            })
            .map(|(point, _)| *point)
            .collect();
        let mut half = Vec3::ZERO;
        const COLUMNS: usize = 15;
        let mut rows = Vec::new();
        for row in 0..=5 {
            let part = row as f32 / 5.0;
            let z = waist + (bottom - waist) * part;
            let near = trunk.iter().filter(|point| (point.z - z).abs() < 0.06);
            half = near.fold(half, |half, point| half.max((*point - middle).abs()));
            let flare = off + 0.02 * part;
            let ring = (0..COLUMNS).map(|i| {
                let angle = -std::f32::consts::TAU * i as f32 / (COLUMNS - 1) as f32;
                let out = Vec3::new((half.x + flare) * angle.cos(), (half.y + flare) * angle.sin(), 0.0);
                // A thigh carries its own side, both carry the middle.
                let right = ((out.x / half.x) * 0.8 + 0.5).clamp(0.0, 1.0);
                let leg = (part * 1.3).min(1.0) * 0.95;
                let carried = [
                    (Bone::Pelvis, 1.0 - leg),
                    (Bone::RightThigh, leg * right),
                    (Bone::LeftThigh, leg * (1.0 - right)),
                    (Bone::Pelvis, 0.0),
                ];
                (Vec3::new(middle.x, middle.y, z) + out, carried)
            });
            rows.push(ring.collect());
        }
        self.add_sheet(color, finish, COLUMNS, &rows);
    }
}

/// What a skirt hangs over.
const TRUNK: [Bone; 4] = [Bone::Pelvis, Bone::Belly, Bone::LeftThigh, Bone::RightThigh];

/// What covers a part.
fn look(body: &Body, part: Part) -> Cover {
    let cover = |color: Color, finish: Finish, thickness_m: f32| Cover { color, finish, thickness_m };
    let skin = || cover(body.skin, Finish::Plaster, 0.0);
    let top = |thickness_m: f32| cover(body.top, body.pattern, thickness_m);
    let trousers = |thickness_m: f32| cover(body.trousers, Finish::Fabric, thickness_m);
    let scarf = |thickness_m: f32| cover(body.hair_color, Finish::Fabric, thickness_m);
    let sleeve = || match body.wears {
        Wear::TShirt => skin(),
        Wear::Shirt | Wear::Skirt => top(0.006),
        Wear::Jacket => top(0.014),
        Wear::Coat => top(0.022),
        Wear::Vest => trousers(0.008),
    };
    match part {
        Part::Scalp => match body.hair {
            Hair::Bald => skin(),
            Hair::Hood => top(0.03),
            Hair::Headscarf => scarf(0.012),
            Hair::Cap => scarf(0.018),
            Hair::Short | Hair::Bun => cover(body.hair_color, Finish::Hair, 0.012),
            Hair::Long => cover(body.hair_color, Finish::Hair, 0.018),
        },
        Part::Face | Part::Hand => skin(),
        Part::Neck => match body.hair {
            Hair::Headscarf => scarf(0.01),
            _ => skin(),
        },
        Part::Chest | Part::Belly => match body.wears {
            Wear::Vest => top(0.02),
            Wear::TShirt => top(0.006),
            _ => top(sleeve().thickness_m * 1.3),
        },
        Part::UpperArm if body.wears == Wear::TShirt => top(0.008),
        Part::UpperArm | Part::Forearm => sleeve(),
        Part::Hips => match body.wears {
            Wear::Coat | Wear::Jacket => top(0.02),
            Wear::Shirt | Wear::TShirt | Wear::Vest | Wear::Skirt => trousers(0.008),
        },
        Part::Thigh => trousers(0.008),
        Part::Shin if body.wears == Wear::Skirt => skin(),
        Part::Shin => trousers(0.010),
        Part::Foot => cover(body.shoes, Finish::Plain, 0.008),
    }
}

/// Unit normals of points, area-weighted.
fn normals(points: &[Vec3], triangles: &[[u16; 3]]) -> Vec<Vec3> {
    let mut normals = vec![Vec3::ZERO; points.len()];
    for triangle in triangles {
        let [a, b, c] = triangle.map(|corner| points[usize::from(corner)]);
        let normal = (b - a).cross(c - a);
        triangle.iter().for_each(|corner| normals[usize::from(*corner)] += normal);
    }
    normals.into_iter().map(|normal| normal.normalize_or(Vec3::Z)).collect()
}

/// The ellipsoids around the points that each bone moves most.
fn flesh(physique: &Physique) -> Vec<Flesh> {
    let mut bounds: [Option<(Vec3, Vec3)>; BONES] = [None; BONES];
    for (point, influences) in physique.points.iter().zip(&anatomy().influences) {
        let (bone, _) = influences.iter().fold(influences[0], |most, next| if next.1 > most.1 { *next } else { most });
        let bound = &mut bounds[bone as usize];
        *bound = Some(bound.map_or((*point, *point), |(low, high)| (low.min(*point), high.max(*point))));
    }
    let ellipsoid = |bone: Bone| {
        let (low, high) = bounds[bone as usize]?;
        let (middle, half) = ((low + high) / 2.0, ((high - low) / 2.0).max(Vec3::splat(0.01)));
        let reach_m = f64::from(middle.distance(physique.joints[bone as usize]) + half.max_element());
        Some(Flesh { bone, middle, half, reach_m })
    };
    Bone::ALL.into_iter().filter_map(ellipsoid).collect()
}

/// `count` points, each as far as can be from those before.
fn spread(points: &[Vec3], count: usize) -> Vec<u16> {
    let mut chosen = vec![0];
    let mut distance: Vec<f32> = points.iter().map(|point| point.distance(points[0])).collect();
    while chosen.len() < count.min(points.len()) {
        let next = (0..points.len()).max_by(|a, b| distance[*a].total_cmp(&distance[*b])).expect("bodies have points");
        chosen.push(next as u16);
        for (distance, point) in distance.iter_mut().zip(points) {
            *distance = distance.min(point.distance(points[next]));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAIR: [Hair; 7] = [Hair::Bald, Hair::Short, Hair::Long, Hair::Bun, Hair::Cap, Hair::Hood, Hair::Headscarf];
    const WEAR: [Wear; 6] = [Wear::Shirt, Wear::TShirt, Wear::Jacket, Wear::Coat, Wear::Skirt, Wear::Vest];

    fn figure(hair: Hair, wears: Wear) -> (Figure, usize) {
        let body = Body { hair, wears, ..Body::default() };
        let physique = body.physique().expect("the default body");
        let skin_triangles = anatomy().triangles.len();
        (Figure::new(&body, &physique), skin_triangles)
    }

    #[test]
    fn shells_are_seen_from_outside() {
        for (hair, wears) in
            HAIR.map(|hair| (hair, Wear::Shirt)).into_iter().chain(WEAR.map(|wears| (Hair::Bald, wears)))
        {
            let (figure, skin) = figure(hair, wears);
            for triangle in &figure.triangles[skin..] {
                let [a, b, c] =
                    triangle.map(|corner| figure.points[usize::from(figure.corners[usize::from(corner)].point)]);
                let (middle, normal) = ((a + b + c) / 3.0, (b - a).cross(c - a));
                let inside = match (hair, wears) {
                    (Hair::Bun, _) => figure.head() + Vec3::new(0.0, -figure.flesh_of(Bone::Head).half.y - 0.035, 0.05),
                    (_, Wear::Coat | Wear::Skirt) => figure.flesh_of(Bone::Pelvis).middle.with_z(middle.z - 0.02),
                    _ => figure.head() - Vec3::Z * 0.1,
                };
                // Less than nothing for triangles that have shrunk to a line at a pole.
                assert!(
                    normal.dot(middle - inside) > -1e-9,
                    "{hair:?}, {wears:?}: a triangle at {middle} looks inwards"
                );
            }
        }
    }

    #[test]
    fn skirts_and_coats_hang_outside_the_body() {
        for name in Body::random_figures() {
            for wears in [Wear::Skirt, Wear::Coat] {
                let body = Body { figure: name.to_owned(), wears, ..Body::default() };
                let figure = Figure::new(&body, &body.physique().expect("a known body"));
                let skin = anatomy().influences.len();
                let shell = &figure.points[skin..];
                let (low, high) = (shell[shell.len() - 1].z, shell[0].z);
                let widest = |points: &[Vec3], z: f32| {
                    let near = points.iter().zip(&figure.influences).filter(|(point, carried)| {
                        (point.z - z).abs() < 0.04 && carried.iter().any(|(bone, w)| *w > 0.5 && TRUNK.contains(bone))
                    });
                    near.map(|(point, _)| point.x.abs()).fold(0.0, f32::max)
                };
                for step in 1..5 {
                    let z = low + (high - low) * step as f32 / 5.0;
                    let ring = shell
                        .iter()
                        .filter(|point| (point.z - z).abs() < 0.08)
                        .map(|point| point.x)
                        .fold(0.0, f32::max);
                    let body = widest(&figure.points[..skin], z);
                    assert!(ring > body - 0.005, "{name}, {wears:?}: {ring} m wide at {z} m, the body {body} m");
                }
            }
        }
    }

    #[test]
    fn the_outline_bounds_the_figure() {
        for hair in HAIR {
            let (figure, _) = figure(hair, Wear::Coat);
            let bounds = |points: &mut dyn Iterator<Item = Vec3>| {
                points.fold((Vec3::MAX, Vec3::MIN), |(low, high), point| (low.min(point), high.max(point)))
            };
            let all = bounds(&mut figure.points.iter().copied());
            let outline = bounds(&mut figure.outline.iter().map(|index| figure.points[usize::from(*index)]));
            let off = (all.0 - outline.0).abs().max((all.1 - outline.1).abs()).max_element();
            assert!(off < 0.03, "{hair:?}: {off} m");
        }
    }

    #[test]
    fn a_dressed_figure_keeps_within_1500_triangles_and_its_indices_are_of_points_there_are() {
        for hair in HAIR {
            for wears in WEAR {
                let (figure, _) = figure(hair, wears);
                assert!(figure.triangles.len() <= 1500, "{hair:?}, {wears:?}: {}", figure.triangles.len());
                let points = figure.points.len();
                assert!(figure.corners.iter().all(|corner| usize::from(corner.point) < points));
                assert!(figure.normals.iter().all(|normal| (normal.length() - 1.0).abs() < 1e-4));
            }
        }
    }
}
