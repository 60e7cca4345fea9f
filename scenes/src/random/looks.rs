//! What people of random rooms look like and carry.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{surface, vividness};
use crate::library::library_looks;
use crate::{Body, Carried, Color, Finish, Hair, Thing, Wear};

/// What people on foot or wheels may have with them; umbrellas, which hide their heads, are rare.
pub(super) const THINGS: [Thing; 13] = [
    Thing::Backpack,
    Thing::Backpack,
    Thing::Backpack,
    Thing::Handbag,
    Thing::Handbag,
    Thing::Laptop,
    Thing::Laptop,
    Thing::Box,
    Thing::Box,
    Thing::Trolley,
    Thing::Wheelchair,
    Thing::Wheelchair,
    Thing::Umbrella,
];

/// Now and then something.
pub(super) fn random_things(rng: &mut ChaCha8Rng, things: &[Thing]) -> Vec<Carried> {
    if !rng.random_bool(0.25) {
        return vec![];
    }
    let color = rng.random_bool(0.6).then(|| surface(rng, 0.7));
    vec![Carried { thing: things[rng.random_range(0..things.len())], color }]
}

/// Yellow, orange and red as EN ISO 20471 has them for clothes that are to be seen.
const VISIBLE: [Color; 3] = [Color::new(205, 225, 40), Color::new(245, 130, 30), Color::new(225, 60, 45)];

/// Somebody whom nobody of the scene library looks like.
pub(crate) fn random_body(rng: &mut ChaCha8Rng) -> Body {
    loop {
        let body = any_body(rng);
        if !library_looks().iter().any(|reserved| reserved.is_dressed_like(&body)) {
            return body;
        }
    }
}

fn any_body(rng: &mut ChaCha8Rng) -> Body {
    let figures = Body::random_figures();
    let hair = [
        Hair::Bald,
        Hair::Short,
        Hair::Short,
        Hair::Short,
        Hair::Long,
        Hair::Long,
        Hair::Bun,
        Hair::Cap,
        Hair::Hood,
        Hair::Headscarf,
    ];
    let clothes =
        [Wear::Shirt, Wear::Shirt, Wear::TShirt, Wear::TShirt, Wear::Jacket, Wear::Coat, Wear::Skirt, Wear::Vest];
    let hair_colors = [
        Color::new(28, 22, 18),
        Color::new(58, 42, 30),
        Color::new(92, 62, 38),
        Color::new(150, 105, 60),
        Color::new(205, 170, 110),
        Color::new(190, 186, 180),
        Color::new(225, 222, 216),
        Color::new(120, 116, 112),
    ];
    let skins = [
        Color::new(236, 200, 175),
        Color::new(214, 170, 140),
        Color::new(180, 132, 98),
        Color::new(122, 84, 60),
        Color::new(78, 52, 38),
    ];
    let hair = hair[rng.random_range(0..hair.len())];
    // Caps and scarves have any colour, and now and then hair has.
    let covered = matches!(hair, Hair::Cap | Hair::Headscarf);
    let hair_color = if covered || rng.random_bool(0.05) { surface(rng, 0.8) } else { shade_of(rng, &hair_colors) };
    let wears = clothes[rng.random_range(0..clothes.len())];
    let vivid = vividness(rng);
    // A vest is there to be seen.
    let top = if wears == Wear::Vest { VISIBLE[rng.random_range(0..VISIBLE.len())] } else { surface(rng, 0.7 * vivid) };
    Body {
        figure: figures[rng.random_range(0..figures.len())].to_owned(),
        height_m: None,
        hair,
        wears,
        hair_color,
        skin: shade_of(rng, &skins),
        top,
        pattern: match rng.random_range(0..8) {
            0 => Finish::Stripes,
            1 => Finish::Checks,
            2 => Finish::Plain,
            _ => Finish::Fabric,
        },
        trousers: surface(rng, 0.5 * vivid),
        shoes: surface(rng, 0.3),
    }
}

/// One of some colours, a little lighter or darker: no two people are of quite the same.
fn shade_of(rng: &mut ChaCha8Rng, colors: &[Color]) -> Color {
    let factor = rng.random_range(0.85..1.1);
    let [red, green, blue] =
        colors[rng.random_range(0..colors.len())].srgb.map(|byte| (f64::from(byte) * factor).min(255.0) as u8);
    Color::new(red, green, blue)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn nobody_random_is_dressed_as_somebody_of_the_library() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let dressed_like = |body: &Body| library_looks().iter().any(|reserved| reserved.is_dressed_like(body));
        assert!(library_looks().len() >= 40, "{}", library_looks().len());
        let mut met = 0;
        for _ in 0..20_000 {
            met += u32::from(dressed_like(&any_body(rng)));
            let body = random_body(rng);
            assert!(!dressed_like(&body), "{body:?}");
        }
        assert!(met > 0, "nobody like the library's is ever drawn, so this shows nothing");
    }
}
