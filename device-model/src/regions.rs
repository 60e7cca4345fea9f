//! How bright the region is that a pixel belongs to: the mean of what is near it both in place and in brightness, so that a
//! room is no darker for the window in it. A bilateral grid (Chen, Paris and Durand, "Real-time edge-aware image processing
//! with the bilateral grid", SIGGRAPH 2007), on logarithms, so that a lamp does not make its surroundings bright.

/// Brightness is the logarithm of a signal over the target plus this.
pub(crate) const LEAST: f32 = 1e-3;
/// Its logarithm.
const LEAST_LN: f32 = -6.907_755;

/// Cells side by side across a picture: each smaller than a person.
const COLUMNS: usize = 20;
/// Height of a cell in units of brightness. A person is on the floor's level, sun and shadow are not.
const CELL_LN: f32 = 1.5;
/// Brightness is up to that of signals 3,000 times the target.
const LEVELS: usize = 11;

/// Brightness and number of what is seen, by column, row and level of brightness.
pub(crate) struct Census {
    cell_px: f32,
    rows: usize,
    /// Sum and number.
    cells: Vec<[f32; 2]>,
}

impl Census {
    pub fn new(width: usize, height: usize) -> Self {
        let cell_px = width as f32 / COLUMNS as f32;
        let rows = (height as f32 / cell_px).ceil() as usize;
        Census { cell_px, rows, cells: vec![[0.0; 2]; COLUMNS * rows * LEVELS] }
    }

    pub fn count(&mut self, x: usize, y: usize, brightness: f32) {
        let nearest = |(first, part): (usize, f32)| first + usize::from(part >= 0.5);
        let (column, row) = (nearest(place(x, self.cell_px, COLUMNS)), nearest(place(y, self.cell_px, self.rows)));
        let cell = &mut self.cells[(row * COLUMNS + column) * LEVELS + nearest(level(brightness))];
        *cell = [cell[0] + brightness, cell[1] + 1.0];
    }

    /// The mean brightness in every cell and its neighbours: two steps away in place, one in brightness.
    pub fn regions(mut self) -> Regions {
        let along_columns = (LEVELS, COLUMNS);
        let along_rows = (LEVELS * COLUMNS, self.rows);
        for (step, size) in [along_columns, along_columns, along_rows, along_rows, (1, LEVELS)] {
            let before = self.cells.clone();
            for (index, cell) in self.cells.iter_mut().enumerate() {
                let at = index / step % size;
                let lower = if at > 0 { before[index - step] } else { [0.0; 2] };
                let upper = if at + 1 < size { before[index + step] } else { [0.0; 2] };
                *cell = [0, 1].map(|i| lower[i] + 2.0 * cell[i] + upper[i]);
            }
        }
        let mean = |(index, [sum, number]): (usize, [f32; 2])| {
            // Where nothing was seen, a pixel is a region of its own.
            if number > 0.0 { sum / number } else { LEAST_LN + (index % LEVELS) as f32 * CELL_LN }
        };
        let means = self.cells.into_iter().enumerate().map(mean).collect();
        Regions { cell_px: self.cell_px, rows: self.rows, means }
    }
}

/// The mean brightness of the cells.
pub(crate) struct Regions {
    cell_px: f32,
    rows: usize,
    means: Vec<f32>,
}

impl Regions {
    /// The regions of one row of pixels.
    pub fn row(&self, y: usize) -> RegionsOfRow {
        let (row, below) = place(y, self.cell_px, self.rows);
        let size = COLUMNS * LEVELS;
        let (upper, lower) = (&self.means[row * size..], &self.means[(row + 1).min(self.rows - 1) * size..]);
        let means = upper.iter().zip(&lower[..size]).map(|(upper, lower)| upper + (lower - upper) * below);
        RegionsOfRow { cell_px: self.cell_px, means: means.collect() }
    }
}

/// The mean brightness by column and level.
pub(crate) struct RegionsOfRow {
    cell_px: f32,
    means: Vec<f32>,
}

impl RegionsOfRow {
    /// The brightness of the region of the pixel in column `x` that has itself the given one.
    #[inline]
    pub fn brightness(&self, x: usize, brightness: f32) -> f32 {
        let ((column, right), (level, above)) = (place(x, self.cell_px, COLUMNS), level(brightness));
        let at = |column: usize| {
            let first = column * LEVELS + level;
            self.means[first] + (self.means[first + 1] - self.means[first]) * above
        };
        let (here, next) = (at(column), at((column + 1).min(COLUMNS - 1)));
        here + (next - here) * right
    }
}

/// The cell whose middle is before a pixel along one axis of `cells`, and how far on towards the next.
fn place(pixel: usize, cell_px: f32, cells: usize) -> (usize, f32) {
    let at = ((pixel as f32 + 0.5) / cell_px - 0.5).clamp(0.0, (cells - 1) as f32);
    let first = at as usize;
    (first, at - first as f32)
}

/// The level below a brightness, never the last, and how far on towards the next.
fn level(brightness: f32) -> (usize, f32) {
    let at = ((brightness - LEAST_LN) * (1.0 / CELL_LN)).clamp(0.0, (LEVELS - 1) as f32);
    let first = (at as usize).min(LEVELS - 2);
    (first, at - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The brightness of the regions of some pixels in a picture of 320×240.
    fn regions_of(brightness: impl Fn(usize, usize) -> f32, pixels: &[(usize, usize)]) -> Vec<f32> {
        let mut census = Census::new(320, 240);
        (0..240).flat_map(|y| (0..320).map(move |x| (x, y))).for_each(|(x, y)| census.count(x, y, brightness(x, y)));
        let regions = census.regions();
        pixels.iter().map(|&(x, y)| regions.row(y).brightness(x, brightness(x, y))).collect()
    }

    #[test]
    fn a_window_and_the_room_around_it_are_regions_of_their_own_to_the_edge() {
        let scene = |x: usize, _| if x < 100 { 5.0 } else { 0.2 };
        for (seen, expected) in
            regions_of(scene, &[(0, 0), (98, 99), (102, 99), (319, 239)]).into_iter().zip([5.0, 5.0, 0.2, 0.2])
        {
            assert!((seen - expected).abs() < 0.01, "{seen}, expected {expected}");
        }
    }

    #[test]
    fn a_person_belongs_to_the_region_of_the_floor() {
        // 40 % of the floor's light, 20 pixels across.
        let person = 0.4f32.ln();
        let scene = |x: usize, y: usize| if x.abs_diff(160) < 10 && y.abs_diff(120) < 10 { person } else { 0.0 };
        let seen = regions_of(scene, &[(160, 120), (200, 120)]);
        assert!(seen[0] > 0.4 * person && seen[1] > 0.1 * person, "{seen:?}");
    }

    #[test]
    fn brightness_beyond_the_grid_is_the_last_levels() {
        for extreme in [-6.9, 9.0] {
            let seen = regions_of(|_, _| extreme, &[(5, 5)]);
            assert!((seen[0] - extreme).abs() < 0.01, "{seen:?}");
        }
    }
}
