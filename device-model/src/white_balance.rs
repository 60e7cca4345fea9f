//! Automatic white balance: gains that make grey what is nearly grey.
//!
//! Only what is nearly grey already counts, so that a wooden floor keeps its colour; light with a stronger cast than that is
//! left as it is. It is slow and bounded. It does not touch exposure: the smallest gain is 1, so that white stays white.

use crate::decisions::Decisions;
use crate::profile::WhiteBalanceControl;

/// Factors of the linear signals R G B.
pub type Gains = [f32; 3];

/// What leaves colours as the sensor has them. The channels of [`Radiance`](crate::Radiance) are relative to white.
pub const NEUTRAL: Gains = [1.0; 3];

/// Sums over what is nearly grey in a picture.
pub(crate) struct Grey {
    ratio_max: f32,
    sums: [f32; 3],
    seen: u32,
    counted: u32,
}

/// With a smaller part of the picture nearly grey, nothing is known.
const SHARE_MIN: f64 = 0.05;

/// Differences of channels that are left alone, as a part; below what 8 bits show.
const DEAD_BAND: f64 = 0.005;

impl Grey {
    pub fn new(control: &WhiteBalanceControl) -> Self {
        Grey { ratio_max: control.grey_ratio_max as f32, sums: [0.0; 3], seen: 0, counted: 0 }
    }

    /// Takes in the balanced linear signals of a pixel as fractions of white. Too dark is noise, and too bright is clipped.
    #[inline]
    pub fn count(&mut self, [red, green, blue]: [f32; 3]) {
        let (least, most) = (red.min(green).min(blue), red.max(green).max(blue));
        self.seen += 1;
        if least > 0.02 && most < 0.9 && most < least * self.ratio_max {
            self.counted += 1;
            self.sums = [self.sums[0] + red, self.sums[1] + green, self.sums[2] + blue];
        }
    }

    /// The means of the channels, if they are worth something.
    pub fn means(&self) -> Option<[f64; 3]> {
        let enough = f64::from(self.counted) > SHARE_MIN * f64::from(self.seen);
        enough.then(|| self.sums.map(|sum| f64::from(sum) / f64::from(self.counted)))
    }
}

/// The control loop.
#[derive(Clone, Debug)]
pub(crate) struct WhiteBalance {
    control: WhiteBalanceControl,
    decided: Decisions<Gains>,
}

impl WhiteBalance {
    pub fn new(control: &WhiteBalanceControl) -> Self {
        WhiteBalance { control: control.clone(), decided: Decisions::new() }
    }

    /// The gains of frame `seq`: known once frame `seq - 2` was measured.
    pub fn gains(&self, seq: u64) -> Gains {
        self.decided.at(seq).unwrap_or(NEUTRAL)
    }

    /// Takes in what grey came out as in frame `seq`. Decides frame `seq + 2`.
    pub fn measure(&mut self, seq: u64, grey: Option<[f64; 3]>) {
        let held = self.gains(seq + 1);
        let next = grey.map_or(held, |means| {
            let grey = means.iter().sum::<f64>() / 3.0;
            if means.iter().all(|mean| (mean / grey - 1.0).abs() < DEAD_BAND) {
                return held;
            }
            let wanted: [f64; 3] =
                std::array::from_fn(|c| f64::from(held[c]) * (grey / means[c]).powf(self.control.speed));
            let least = wanted.iter().copied().fold(f64::INFINITY, f64::min);
            wanted.map(|gain| (gain / least).min(self.control.range) as f32)
        });
        self.decided.after(seq, next);
    }
}
