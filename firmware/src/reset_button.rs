//! The reset button: held for more than 10 s it brings the factory's settings back, and the LED blinks meanwhile (guide §2.3).

use std::time::Duration;

use firmware_shim::Uptime;

const HOLD: Duration = Duration::from_secs(10);
/// How long the LED is on, and then off, while it blinks. A decision: the guide gives no pace.
const BLINK: Duration = Duration::from_millis(250);

/// Whether somebody holds the button, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResetButton {
    since: Option<Uptime>,
    /// It was held for long enough, or since before the start; until it is let go that was all.
    is_done: bool,
}

impl Default for ResetButton {
    fn default() -> Self {
        ResetButton { since: None, is_done: true }
    }
}

impl ResetButton {
    /// Takes in whether it is pressed at `now`; true once when it has been held for long enough.
    pub fn is_held(&mut self, now: Uptime, is_pressed: bool) -> bool {
        if !is_pressed {
            *self = ResetButton { since: None, is_done: false };
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let is_held = !self.is_done && now > since + HOLD;
        self.is_done |= is_held;
        is_held
    }

    /// Whether the LED is on: always, but while it blinks.
    pub fn led_on(&self, now: Uptime) -> bool {
        self.since.is_none_or(|since| (now.since(since).as_nanos() / BLINK.as_nanos()) % 2 == 1)
    }

    /// When to look again at the latest.
    pub fn next_wake(&self, now: Uptime) -> Option<Uptime> {
        let since = self.since?;
        let blinks = u32::try_from(now.since(since).as_nanos() / BLINK.as_nanos()).unwrap_or(u32::MAX);
        let blink = since + BLINK * blinks.saturating_add(1);
        // More than ten seconds, if by no more than a nanosecond.
        let held = since + HOLD + Duration::from_nanos(1);
        Some(if now < held { blink.min(held) } else { blink })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Uptime {
        Uptime::from_millis(ms)
    }

    #[test]
    fn it_must_be_held_for_more_than_ten_seconds_and_counts_once() {
        let mut button = ResetButton::default();
        assert!(!button.is_held(at(0), true) && !button.is_held(at(20_000), true), "held since before the start");
        assert!(!button.is_held(at(0), false));
        assert!(!button.is_held(at(0), true) && !button.is_held(at(10_000), true));
        assert!(button.is_held(at(10_001), true) && !button.is_held(at(30_000), true));
        assert!(!button.is_held(at(30_001), false));
        assert!(!button.is_held(at(40_000), true) && button.is_held(at(50_001), true));
    }

    #[test]
    fn the_led_blinks_while_it_is_held() {
        let mut button = ResetButton::default();
        assert!(button.led_on(at(0)) && button.next_wake(at(0)).is_none());
        button.is_held(at(100), true);
        let on: Vec<bool> = [100, 349, 350, 599, 600].iter().map(|ms| button.led_on(at(*ms))).collect();
        assert_eq!(on, [false, false, true, true, false]);
        assert_eq!((button.next_wake(at(100)), button.next_wake(at(350))), (Some(at(350)), Some(at(600))));
        button.is_held(at(700), false);
        assert!(button.led_on(at(700)));
    }
}
