//! The same scene, altered to measure by it: under another ceiling, without what makes counting hard.

use glam::DVec2;

use crate::{Color, Furniture, Luminaire, LuminaireKind, Piece, Scene};

/// A floor and walls that hair and clothes are seen on.
const GREY: Color = Color::new(150, 148, 144);
/// Darker than this, sRGB, they are called black.
const BLACK: u8 = 40;
/// Rooms with less light from all sides than this have strong shadows.
const DIFFUSE_SHARE: f64 = 0.5;

impl Scene {
    /// The same scene under another ceiling, with pillars and walls that reached the old one reaching it; `None` when something of it does
    /// not fit below.
    pub fn with_ceiling(&self, ceiling_m: f64) -> Option<Self> {
        let mut scene = self.clone();
        scene.room.ceiling_m = ceiling_m;
        for piece in scene.furniture.iter_mut().filter(|piece| (piece.top_m() - self.room.ceiling_m).abs() < 0.01) {
            match &mut piece.piece {
                Piece::Block { size_m } => size_m.2 = ceiling_m,
                Piece::Drum { height_m, above_m, .. } if *above_m < ceiling_m => *height_m = ceiling_m - *above_m,
                _ => {}
            }
        }
        // What people do has nothing to do with the ceiling.
        scene.with_people(vec![]).is_ok().then_some(scene)
    }

    /// The same room and people with more furniture; `None` when something of it does not fit.
    pub fn with_furniture(&self, more: Vec<Furniture>) -> Option<Self> {
        let mut scene = self.clone();
        scene.furniture.extend(more);
        scene.with_people(vec![]).is_ok().then_some(scene)
    }

    /// The same room, as bright, with lamps in place of windows and sun, without mirrors and doors, and with a grey floor and grey walls
    /// where they are black.
    pub fn clean_twin(&self) -> Self {
        let mut twin = self.clone();
        let is_black = |color: Color| color.srgb.iter().all(|channel| *channel < BLACK);
        for surface in [&mut twin.room.floor, &mut twin.room.walls] {
            if is_black(*surface) {
                *surface = GREY;
            }
        }
        twin.room.mirrors.clear();
        twin.doors.clear();
        twin.light.windows.clear();
        twin.light.sun = None;
        twin.light.daylight_share = 0.0;
        twin.light.diffuse_share = twin.light.diffuse_share.max(DIFFUSE_SHARE);
        let size = DVec2::new(self.room.size_m.0, self.room.size_m.1);
        twin.light.luminaires = [0.25, 0.75]
            .map(|part| Luminaire {
                at_m: (size * DVec2::new(part, 0.5)).into(),
                kind: LuminaireKind::Panel,
                flux: 1.0,
            })
            .to_vec();
        twin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_has_the_light_of_its_original_and_nothing_that_makes_it_hard() {
        for name in crate::library_names() {
            let scene = Scene::from_library(&name).expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
            let twin = scene.clean_twin();
            assert!(twin.room.problems().is_empty() && twin.light.problems(&twin.room).is_empty(), "{name}");
            assert!(twin.room.mirrors.is_empty() && twin.doors.is_empty() && twin.light.windows.is_empty());
            assert_eq!((twin.light.lux, &twin.furniture), (scene.light.lux, &scene.furniture));
        }
        let black =
            Scene::from_library("factor-black-floor").expect("listed").unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!((black.clean_twin().room.floor, black.clean_twin().room.walls), (GREY, GREY));
    }
}
