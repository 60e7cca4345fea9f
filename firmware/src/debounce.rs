//! A contact bounces: a level at DI is one when it has lasted 50 ms (guide §2.2 names the levels; the time is a decision).

use std::time::Duration;

use firmware_shim::{Level, Uptime};

const LASTS: Duration = Duration::from_millis(50);

/// The level that is believed at a pin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Debounced {
    /// `None` until the pin has been looked at: what it reads first is no change.
    level: Option<Level>,
    /// Another level, and since when it has been read.
    other: Option<Uptime>,
}

impl Debounced {
    /// Takes the level read at `now`; whether the believed one has just risen.
    pub fn has_risen(&mut self, now: Uptime, read: Level) -> bool {
        let level = *self.level.get_or_insert(read);
        if read == level {
            self.other = None;
            return false;
        }
        let since = *self.other.get_or_insert(now);
        if now < since + LASTS {
            return false;
        }
        (self.level, self.other) = (Some(read), None);
        read == Level::High
    }

    /// When to look again at the latest.
    pub fn next_wake(&self) -> Option<Uptime> {
        self.other.map(|since| since + LASTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels read at times in milliseconds; when the believed level rose.
    #[track_caller]
    fn check(read: &[(u64, Level)], expected: &[u64]) {
        let mut pin = Debounced::default();
        let risen = read.iter().filter(|(at, level)| pin.has_risen(Uptime::from_millis(*at), *level));
        assert_eq!(risen.map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_level_is_one_when_it_has_lasted() {
        use Level::{High, Low};
        check(&[(0, Low), (100, High), (149, High), (150, High), (900, High)], &[150]);
        check(&[(0, Low), (100, High), (120, Low), (130, High), (160, High), (180, High)], &[180]);
        check(&[(0, Low), (100, High), (150, High), (300, Low), (320, High), (400, High)], &[150]);
        check(&[(0, Low), (100, High), (150, High), (300, Low), (350, Low), (400, High), (450, High)], &[150, 450]);
        // A button held when power comes is no signal.
        check(&[(0, High), (50, High), (900, High)], &[]);
    }
}
