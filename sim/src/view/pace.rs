//! How fast virtual time may pass: arithmetic about two clocks, neither of which is looked at here.

/// Further behind than this is not caught up with: a run that cannot keep up goes on as fast as it can.
const BEHIND_MAX_S: f64 = 0.25;

/// The slowest and the fastest, times real time.
pub const SPEED_MIN: f64 = 0.1;
/// See [`SPEED_MIN`].
pub const SPEED_MAX: f64 = 100.0;
/// What one chooses from.
pub const SPEEDS: [f64; 10] = [SPEED_MIN, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, SPEED_MAX];

/// Virtual time against the wall clock's.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: f64,
    /// A moment of both clocks from which is counted: wall time and run time, s.
    since: Option<(f64, f64)>,
}

impl Pace {
    /// So many times as fast as real time.
    pub fn new(speed: f64) -> Self {
        Pace { speed: speed.clamp(SPEED_MIN, SPEED_MAX), since: None }
    }

    /// Counts anew from the next moment on, after a pause.
    pub fn rest(&mut self) {
        self.since = None;
    }

    /// How long to wait at `wall_s` before anything later than `run_s` may happen.
    pub fn wait_s(&mut self, wall_s: f64, run_s: f64) -> f64 {
        let (wall_0, run_0) = *self.since.get_or_insert((wall_s, run_s));
        let due_s = wall_0 + (run_s - run_0) / self.speed;
        if due_s < wall_s - BEHIND_MAX_S {
            self.since = Some((wall_s, run_s));
        }
        (due_s - wall_s).max(0.0)
    }
}

/// The speed that comes `steps` after this one among [`SPEEDS`].
pub fn next_speed(speed: f64, steps: isize) -> f64 {
    let place = SPEEDS.iter().position(|other| *other >= speed * 0.999).unwrap_or(SPEEDS.len() - 1);
    SPEEDS[place.saturating_add_signed(steps).min(SPEEDS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_time_passes_so_many_times_as_fast_as_wall_time() {
        for speed in [0.1, 1.0, 4.0, 100.0] {
            let mut pace = Pace::new(speed);
            assert_eq!(pace.wait_s(50.0, 7.0), 0.0, "the first moment is at once");
            // As long as frames take no time at all, the wait is all of it.
            let wait_s = pace.wait_s(50.0, 7.1);
            assert!((wait_s - 0.1 / speed).abs() < 1e-9, "{speed}: {wait_s}");
            // What a frame took is part of the wait.
            let took_s = 0.04 / speed;
            let wait_s = pace.wait_s(50.0 + took_s, 7.1);
            assert!((wait_s - 0.06 / speed).abs() < 1e-9, "{speed}: {wait_s}");
        }
    }

    #[test]
    fn who_is_far_behind_does_not_hurry_to_catch_up() {
        let mut pace = Pace::new(1.0);
        pace.wait_s(0.0, 0.0);
        assert_eq!(pace.wait_s(10.0, 0.1), 0.0, "a frame took ten seconds");
        assert!((pace.wait_s(10.0, 0.2) - 0.1).abs() < 1e-9, "the next comes as after any other");
    }

    #[test]
    fn a_pause_is_no_time() {
        let mut pace = Pace::new(2.0);
        pace.wait_s(0.0, 0.0);
        pace.rest();
        assert_eq!(pace.wait_s(60.0, 0.1), 0.0);
        assert!((pace.wait_s(60.0, 0.3) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn speeds_go_up_and_down_and_end() {
        assert_eq!(next_speed(1.0, 1), 2.0);
        assert_eq!(next_speed(1.0, -1), 0.5);
        assert_eq!(next_speed(SPEED_MAX, 1), SPEED_MAX);
        assert_eq!(next_speed(SPEED_MIN, -1), SPEED_MIN);
    }
}
