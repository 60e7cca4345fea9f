//! The bodies people have: one topology and one skeleton for all, and the shape of each.
//!
//! They are exported by `assets/export_bodies.py` (see `assets/README.md`) and come with the program. Knows nothing of clothes
//! or movement.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use glam::Vec3;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::skeleton::{BONES, Bone, Rest};

/// The parts of a body that skin and garments are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Where hair grows.
    Scalp,
    Face,
    Neck,
    Chest,
    Belly,
    Hips,
    UpperArm,
    Forearm,
    Hand,
    Thigh,
    Shin,
    Foot,
}

/// In the order of the file.
const PARTS: [(&str, Part); 12] = [
    ("scalp", Part::Scalp),
    ("face", Part::Face),
    ("neck", Part::Neck),
    ("chest", Part::Chest),
    ("belly", Part::Belly),
    ("hips", Part::Hips),
    ("upper_arm", Part::UpperArm),
    ("forearm", Part::Forearm),
    ("hand", Part::Hand),
    ("thigh", Part::Thigh),
    ("shin", Part::Shin),
    ("foot", Part::Foot),
];

/// How much each of up to four bones moves a point; weights sum to 1.
pub(crate) type Influences = [(Bone, f32); 4];

/// What all bodies share, and the bodies.
pub(crate) struct Anatomy {
    /// Corners as indices of points, counter-clockwise from outside.
    pub triangles: Vec<[u16; 3]>,
    /// One a triangle.
    pub parts: Vec<Part>,
    /// One a point.
    pub influences: Vec<Influences>,
    /// One a point: the part of the hemisphere over it that the body leaves open, cosine-weighted.
    pub open: Vec<f32>,
    /// By name.
    pub bodies: BTreeMap<String, Physique>,
    /// Those that only the scene library's people have, so that no detector was trained on them.
    pub reserved: Vec<String>,
}

/// A body at rest: upright, arms hanging. Metres; x to its right, y ahead, z up from the floor, the pelvis over the origin.
#[derive(Debug)]
pub(crate) struct Physique {
    /// The skin.
    pub points: Vec<Vec3>,
    /// Where each bone begins.
    pub joints: [Vec3; BONES],
    /// Floor to crown, m.
    stature: f32,
    /// What poses ask of the body at rest.
    pub rest: Rest,
}

impl Physique {
    pub fn new(points: Vec<Vec3>, joints: [Vec3; BONES]) -> Self {
        let stature = points.iter().map(|point| point.z).fold(0.0, f32::max);
        let rest = Rest::of(&joints);
        Physique { points, joints, stature, rest }
    }

    /// Floor to crown, m.
    pub fn stature(&self) -> f32 {
        self.stature
    }
}

/// The anatomy that comes with the program.
pub(crate) fn anatomy() -> &'static Anatomy {
    static ANATOMY: LazyLock<Anatomy> = LazyLock::new(|| {
        read(include_bytes!("../assets/bodies.safetensors")).expect("the file comes with the program")
    });
    &ANATOMY
}

fn read(file: &[u8]) -> Result<Anatomy, String> {
    let words = |error: safetensors::SafeTensorError| error.to_string();
    let (_, header) = SafeTensors::read_metadata(file).map_err(words)?;
    let tensors = SafeTensors::deserialize(file).map_err(words)?;
    let metadata = header.metadata().as_ref().ok_or("no metadata")?;
    let list = |key: &str| -> Result<Vec<String>, String> {
        let text = metadata.get(key).ok_or_else(|| format!("no `{key}` in the metadata"))?;
        serde_json::from_str(text).map_err(|error| format!("`{key}`: {error}"))
    };
    if list("bones")? != Bone::ALL.map(|bone| bone.name().to_owned()) {
        return Err("`bones` are others than the skeleton's".to_owned());
    }
    if list("parts")? != PARTS.map(|(name, _)| name.to_owned()) {
        return Err("`parts` are others than the anatomy's".to_owned());
    }
    let tensor = |name: &str| tensors.tensor(name).map_err(words);
    let vectors = |name: &str| -> Result<Vec<Vec3>, String> {
        let values = floats(&tensor(name)?)?;
        Ok(values.chunks_exact(3).map(Vec3::from_slice).collect())
    };

    let part = |index: &u8| PARTS.get(usize::from(*index)).map(|(_, part)| *part).ok_or("a part that is none");
    let corners = tensor("triangles")?;
    let corners = bytes(&corners, Dtype::U16)?.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let corners: Vec<u16> = corners.collect();
    let triangles: Vec<[u16; 3]> = corners.chunks_exact(3).map(|t| [t[0], t[1], t[2]]).collect();
    let parts = bytes(&tensor("part")?, Dtype::U8)?.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let open = floats(&tensor("open")?)?;
    let weights = floats(&tensor("weights")?)?;
    let bone = |index: &u8| Bone::ALL.get(usize::from(*index)).copied().ok_or("a bone that is none");
    let bones = bytes(&tensor("bones")?, Dtype::U8)?.iter().map(bone).collect::<Result<Vec<_>, _>>()?;
    let influences: Vec<Influences> = (bones.chunks_exact(4).zip(weights.chunks_exact(4)))
        .map(|(bones, weights)| std::array::from_fn(|i| (bones[i], weights[i])))
        .collect();

    let mut bodies = BTreeMap::new();
    for name in list("bodies")? {
        let points = vectors(&format!("points/{name}"))?;
        let joints = vectors(&format!("joints/{name}"))?;
        let joints = joints.try_into().map_err(|_| format!("`{name}` has not one joint a bone"))?;
        if points.len() != influences.len() {
            return Err(format!("`{name}` has {} points, expected {}", points.len(), influences.len()));
        }
        bodies.insert(name, Physique::new(points, joints));
    }
    let reserved = list("reserved")?;
    if parts.len() != triangles.len() || open.len() != influences.len() {
        return Err("lists of different lengths".to_owned());
    }
    if corners.iter().any(|corner| usize::from(*corner) >= influences.len()) {
        return Err("a triangle has a corner that is no point".to_owned());
    }
    Ok(Anatomy { triangles, parts, influences, open, bodies, reserved })
}

fn bytes<'d>(tensor: &TensorView<'d>, dtype: Dtype) -> Result<&'d [u8], String> {
    if tensor.dtype() == dtype {
        Ok(tensor.data())
    } else {
        Err(format!("{:?} where {dtype:?} is due", tensor.dtype()))
    }
}

fn floats(tensor: &TensorView) -> Result<Vec<f32>, String> {
    let bytes = bytes(tensor, Dtype::F32)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_bodies_of_many_statures_and_six_are_reserved() {
        let anatomy = anatomy();
        assert!(anatomy.bodies.len() >= 24, "{}", anatomy.bodies.len());
        assert!(anatomy.triangles.len() <= 1500, "{}", anatomy.triangles.len());
        let statures: Vec<f32> = anatomy.bodies.values().map(Physique::stature).collect();
        let (least, most) = statures.iter().fold((f32::MAX, 0f32), |(l, m), s| (l.min(*s), m.max(*s)));
        assert!((1.49..1.52).contains(&least) && (1.94..1.96).contains(&most), "{least} to {most} m");
        assert_eq!(anatomy.reserved.len(), 6);
        assert!(anatomy.reserved.iter().all(|name| anatomy.bodies.contains_key(name)));
    }

    #[test]
    fn every_body_is_closed_upright_and_on_the_floor() {
        let anatomy = anatomy();
        for (name, body) in &anatomy.bodies {
            let lowest = body.points.iter().map(|point| point.z).fold(f32::MAX, f32::min);
            assert!(lowest.abs() < 1e-3, "{name} begins at {lowest} m");
            let head = body.joints[Bone::Head as usize];
            assert!(head.x.abs() < 0.02 && head.z > 0.8 * body.stature(), "{name}'s head begins at {head}");
            // Divergence theorem: an outline seen from outside counter-clockwise has a positive volume.
            let at = |corner: u16| body.points[usize::from(corner)];
            let volume: f32 = anatomy.triangles.iter().map(|&[a, b, c]| at(a).dot(at(b).cross(at(c))) / 6.0).sum();
            let litres = volume * 1000.0;
            assert!((30.0..160.0).contains(&litres), "{name} has {litres} l");
        }
        let mut edges: BTreeMap<(u16, u16), i32> = BTreeMap::new();
        let mut sets = BTreeSet::new();
        for &[a, b, c] in &anatomy.triangles {
            assert!(sets.insert(BTreeSet::from([a, b, c])), "two triangles lie on one another");
            for (a, b) in [(a, b), (b, c), (c, a)] {
                *edges.entry((a.min(b), a.max(b))).or_default() += if a < b { 1 } else { -1 };
            }
        }
        assert!(edges.values().all(|sum| *sum == 0), "an edge has no triangle on its other side");
        let used: BTreeSet<u16> = anatomy.triangles.iter().flatten().copied().collect();
        assert_eq!(used.len(), anatomy.influences.len(), "a point is in no triangle");
        for influences in &anatomy.influences {
            let sum: f32 = influences.iter().map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
    }
}
