//! A person's body as a scene file states it.

use ron_file::alternatives;
use serde::{Deserialize, Serialize};

use crate::anatomy::{Physique, anatomy};
use crate::{Color, Finish};

/// What a person looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Body {
    /// One of the bodies that come with the program (docs/scenes.md lists them).
    pub figure: String,
    /// Stature, 1.0 to 2.2 m; the figure's own when not stated.
    pub height_m: Option<f64>,
    /// How the hair is worn, or what covers it.
    pub hair: Hair,
    /// Of the hair, the cap or the headscarf.
    pub hair_color: Color,
    /// Face, hands, and what else is bare.
    pub skin: Color,
    /// What is worn.
    pub wears: Wear,
    /// Its colour above the waist.
    pub top: Color,
    /// Its pattern above the waist.
    pub pattern: Finish,
    /// Its colour below the waist.
    pub trousers: Color,
    /// Feet.
    pub shoes: Color,
}

/// Kinds of hair and of what covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hair {
    /// None; the skin shows.
    Bald,
    /// Close to the skull.
    Short,
    /// Down to the shoulders.
    Long,
    /// A ball at the back.
    Bun,
    /// A cap with a visor.
    Cap,
    /// The hood of the top.
    Hood,
    /// A scarf over head, neck and shoulders.
    Headscarf,
}

/// Kinds of clothes, as far as their outline from above differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wear {
    /// Long sleeves, trousers.
    Shirt,
    /// Short sleeves, trousers.
    TShirt,
    /// A jacket over the hips, trousers.
    Jacket,
    /// A coat to above the knee.
    Coat,
    /// Long sleeves, a skirt to the knee.
    Skirt,
    /// A vest in the top's colour over sleeves and trousers of one colour.
    Vest,
}

/// Colours whose channels differ no more than this are alike.
const ALIKE: u8 = 40;

impl Default for Body {
    fn default() -> Self {
        Body {
            figure: "man-medium".to_owned(),
            height_m: None,
            hair: Hair::Short,
            hair_color: Color::new(58, 42, 30),
            skin: Color::new(214, 170, 140),
            wears: Wear::Shirt,
            top: Color::new(70, 95, 140),
            pattern: Finish::Fabric,
            trousers: Color::new(45, 48, 58),
            shoes: Color::new(30, 28, 26),
        }
    }
}

impl Body {
    /// The figure's shape, scaled to the stature.
    pub(crate) fn physique(&self) -> Option<Physique> {
        let shape = anatomy().bodies.get(&self.figure)?;
        let scale = self.height_m.map_or(1.0, |height_m| height_m as f32 / shape.stature());
        let points = shape.points.iter().map(|point| *point * scale).collect();
        Some(Physique::new(points, shape.joints.map(|joint| joint * scale)))
    }

    /// What is wrong with it, as (field, words).
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        let bodies = &anatomy().bodies;
        if !bodies.contains_key(&self.figure) {
            let known: Vec<&str> = bodies.keys().map(String::as_str).collect();
            return Some(("figure", format!("there is no `{}`{}", self.figure, alternatives(&self.figure, &known))));
        }
        if let Some(words) = self.pattern.problem() {
            return Some(("pattern.edge_m", words));
        }
        match self.height_m {
            Some(height_m) if !(1.0..=2.2).contains(&height_m) => {
                Some(("height_m", format!("{height_m} m is out of 1.0 to 2.2 m")))
            }
            _ => None,
        }
    }

    /// Whether somebody would take the two for one by their hair and clothes: the same kinds, in colours that are alike.
    pub(crate) fn is_dressed_like(&self, other: &Body) -> bool {
        let hair_shows = !matches!(self.hair, Hair::Bald | Hair::Hood);
        let alike = |a: Color, b: Color| a.srgb.iter().zip(b.srgb).all(|(a, b)| a.abs_diff(b) <= ALIKE);
        self.hair == other.hair
            && self.wears == other.wears
            && self.pattern == other.pattern
            && alike(self.top, other.top)
            && (!hair_shows || alike(self.hair_color, other.hair_color))
    }

    /// The names of the figures that random people may have: all but the scene library's.
    pub(crate) fn random_figures() -> Vec<&'static str> {
        let anatomy = anatomy();
        anatomy.bodies.keys().filter(|name| !anatomy.reserved.contains(name)).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wears_the_same_in_like_colours_is_dressed_alike() {
        let anna = Body { hair: Hair::Long, top: Color::new(140, 47, 57), ..Body::default() };
        let like = |body: Body| anna.is_dressed_like(&body);
        assert!(like(Body { top: Color::new(150, 20, 80), figure: "man-old".to_owned(), ..anna.clone() }));
        assert!(!like(Body { top: Color::new(60, 90, 120), ..anna.clone() }));
        assert!(!like(Body { hair: Hair::Bun, ..anna.clone() }) && !like(Body { wears: Wear::Coat, ..anna.clone() }));
        assert!(!like(Body { hair_color: Color::new(225, 222, 216), ..anna.clone() }));
        let bald = Body { hair: Hair::Bald, ..anna.clone() };
        assert!(
            bald.is_dressed_like(&Body { hair_color: Color::new(225, 222, 216), ..bald.clone() }),
            "no hair to be seen"
        );
    }
}
