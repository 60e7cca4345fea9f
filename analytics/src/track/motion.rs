//! Where somebody is on the floor and where they are going: a Kalman filter for constant velocity.
//!
//! Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), §6.2.2: white noise
//! acceleration in continuous time, which is what makes it right for frames at irregular intervals. Both axes of the
//! floor are alike and independent, so one covariance serves both. Knows nothing of pixels.

use glam::DVec2;

/// Standard deviation of a measured floor position in metres: some pixels of jitter, and heads up to 0.15 m higher or
/// lower than assumed seen at up to 45° (an assumption that holds for most adults).
const MEASUREMENT_SIGMA_M: f64 = 0.15;

/// Variance of a measurement in m².
pub(super) const MEASUREMENT_VARIANCE: f64 = MEASUREMENT_SIGMA_M * MEASUREMENT_SIGMA_M;

/// How fast people change their speed, as power spectral density in m²/s³: within a second by about 1 m/s (one sigma),
/// which is what setting off and stopping take.
const ACCELERATION_DENSITY: f64 = 1.0;

/// Standard deviation of a speed we know nothing of, in m/s: walking is about 1.3 m/s.
const SPEED_SIGMA: f64 = 1.3;

/// The state and how sure it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    /// Floor position in metres, sensor frame.
    pub position: DVec2,
    /// Metres per second.
    pub velocity: DVec2,
    /// Variance of the position on one axis, m².
    position_variance: f64,
    /// Covariance of position and velocity on one axis, m²/s.
    covariance: f64,
    /// Variance of the velocity on one axis, m²/s².
    velocity_variance: f64,
}

impl Motion {
    /// Somebody seen for the first time.
    pub fn starting_at(position: DVec2) -> Self {
        Motion {
            position,
            velocity: DVec2::ZERO,
            position_variance: MEASUREMENT_VARIANCE,
            covariance: 0.0,
            velocity_variance: SPEED_SIGMA * SPEED_SIGMA,
        }
    }

    /// `seconds` later, nothing seen meanwhile.
    pub fn advance(&mut self, seconds: f64) {
        let (t, q) = (seconds, ACCELERATION_DENSITY);
        self.position += self.velocity * t;
        self.position_variance += t * (2.0 * self.covariance + t * self.velocity_variance) + q * t * t * t / 3.0;
        self.covariance += t * self.velocity_variance + q * t * t / 2.0;
        self.velocity_variance += q * t;
    }

    /// The variance on one axis of where a measurement is expected around the position, m².
    pub fn expected_variance(&self) -> f64 {
        self.position_variance + MEASUREMENT_VARIANCE
    }

    /// Takes a measured position into account.
    pub fn correct(&mut self, measured: DVec2) {
        let innovation = measured - self.position;
        let position_gain = self.position_variance / self.expected_variance();
        let velocity_gain = self.covariance / self.expected_variance();
        self.position += innovation * position_gain;
        self.velocity += innovation * velocity_gain;
        self.velocity_variance -= velocity_gain * self.covariance;
        self.covariance *= 1.0 - position_gain;
        self.position_variance *= 1.0 - position_gain;
    }

    /// The estimate was elsewhere all the time: moves it without anybody having moved.
    pub fn shift(&mut self, by: DVec2) {
        self.position += by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_walk_is_learnt_whatever_the_intervals_between_frames() {
        let velocity = DVec2::new(1.2, -0.4);
        let mut motion = Motion::starting_at(DVec2::ZERO);
        let mut time = 0.0;
        for interval in [0.1, 0.1, 0.3, 0.05, 0.2, 0.1, 0.4, 0.1, 0.1, 0.2].repeat(3) {
            time += interval;
            motion.advance(interval);
            motion.correct(velocity * time);
        }
        assert!((motion.velocity - velocity).length() < 0.02, "velocity {}", motion.velocity);
        assert!((motion.position - velocity * time).length() < 0.02, "position {}", motion.position);
    }

    #[test]
    fn not_looking_makes_less_sure_and_looking_more() {
        let mut motion = Motion::starting_at(DVec2::ZERO);
        let start = motion.expected_variance();
        motion.advance(0.5);
        let unseen = motion.expected_variance();
        motion.correct(DVec2::ZERO);
        assert!(unseen > start && motion.expected_variance() < unseen);
    }

    #[test]
    fn one_long_wait_is_two_short_ones() {
        let mut once = Motion::starting_at(DVec2::ONE);
        once.velocity = DVec2::X;
        let mut twice = once;
        once.advance(0.6);
        twice.advance(0.2);
        twice.advance(0.4);
        assert!((once.expected_variance() - twice.expected_variance()).abs() < 1e-12);
        assert!((once.position - twice.position).length() < 1e-12);
    }
}
