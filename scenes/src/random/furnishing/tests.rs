use rand::SeedableRng;

use super::*;

#[test]
fn rooms_are_furnished_in_many_ways_and_nothing_leaves_them() {
    let (mut full, mut piles, mut coats, mut bare) = (0, 0, 0, 0);
    for seed in 0..400 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let (size, ceiling_m) = (DVec2::new(6.0, 5.0), 2.5);
        let pieces = furnish(rng, size, ceiling_m, Clutter::Any);
        for piece in &pieces {
            assert!(piece.place().cmpgt(DVec2::ZERO).all() && piece.place().cmplt(size).all(), "{piece:?}");
            assert!(piece.top_m() < ceiling_m, "{piece:?}");
        }
        let count = |wanted: fn(&Piece) -> bool| pieces.iter().filter(|piece| wanted(&piece.piece)).count();
        full += u32::from(count(|piece| *piece == Piece::Chair) >= 12);
        // What lies on something else that lies on the floor.
        piles +=
            u32::from(count(|piece| matches!(piece, Piece::Slab { above_m, .. } if (0.01..0.3).contains(above_m))) > 0);
        coats += u32::from(count(|piece| *piece == Piece::Coat) > 0);
        bare += u32::from(pieces.len() < 4);
    }
    for (kind, rooms) in [("full of chairs", full), ("with piles", piles), ("with coats", coats), ("bare", bare)] {
        assert!((20..300).contains(&rooms), "{rooms} of 400 rooms are {kind}");
    }
}

#[test]
fn rooms_without_clutter_have_tables_chairs_and_what_lies_on_tables() {
    for seed in 0..200 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        for piece in furnish(rng, DVec2::new(6.0, 5.0), 2.5, Clutter::None) {
            let on_a_table = piece.top_m() > 0.6;
            let is_seat = matches!(piece.piece, Piece::Chair);
            assert!(on_a_table || is_seat, "{piece:?}");
            assert!(piece.piece != Piece::Coat, "{piece:?}");
        }
    }
}
