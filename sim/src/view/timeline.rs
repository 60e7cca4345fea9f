//! The run's time: where one is in it, what happened and was reported when, and the keys of a tape deck.

use bevy_egui::egui::{
    self, Align, Align2, Color32, Layout, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, pos2, vec2,
};
use scenarios::{Event, Happening};

use super::desk::{Action, Desk, Running};
use super::pace::SPEEDS;
use super::theme;

/// Marks nearer to the pointer than this are meant, points.
const NEAR: f32 = 7.0;

/// A mark on the timeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// When, s.
    pub at_s: f64,
    pub of: MarkOf,
}

/// What it stands for, by its place in the run's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkOf {
    Event(usize),
    Report(usize),
}

/// All marks of a run, in no order.
pub fn marks(desk: &Desk) -> Vec<Mark> {
    let events = desk.history.timeline.iter().enumerate();
    let events = events.map(|(i, event)| Mark { at_s: event.at_s, of: MarkOf::Event(i) });
    let reports = desk.history.reports.iter().enumerate();
    let reports = reports.map(|(i, report)| Mark { at_s: report.at_s, of: MarkOf::Report(i) });
    events.chain(reports).collect()
}

/// The mark nearest to a place on a row, if one is near enough; of those at the same place the last.
pub fn mark_near(marks: &[Mark], x: f32, x_of: impl Fn(f64) -> f32) -> Option<Mark> {
    let distance = |mark: &Mark| (x_of(mark.at_s) - x).abs();
    let near = marks.iter().filter(|mark| distance(mark) <= NEAR);
    near.rev().min_by(|a, b| distance(a).total_cmp(&distance(b))).copied()
}

/// What an event is called, in few words.
pub fn words(event: &Event) -> String {
    match &event.event {
        Happening::Lux(lux) => format!("light: {lux} lx"),
        Happening::PressDi { for_s } => format!("DI button pressed for {for_s} s"),
        Happening::PressReset { for_s } => format!("reset button held for {for_s} s"),
        Happening::PowerCut { .. } => "power cut".to_owned(),
        Happening::PowerOn => "power back".to_owned(),
        Happening::UnplugCable => "cable pulled out".to_owned(),
        Happening::PlugCable => "cable plugged in".to_owned(),
        Happening::Configure(_) => "configured anew".to_owned(),
        Happening::NetworkFault { recipient, fault } => format!("{recipient}: {fault:?}"),
        Happening::NetworkRestored { recipient } => format!("{recipient} reachable again"),
        other => {
            let debug = format!("{other:?}");
            debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

/// Minutes and seconds, or with hours.
pub fn clock(seconds: f64) -> String {
    // A moment has come or has not: 59.96 s is not yet a minute.
    let tenths = (seconds.max(0.0) * 10.0 + 1e-6) as u64;
    let (hours, minutes, rest) = (tenths / 36_000, tenths / 600 % 60, tenths % 600);
    let rest = format!("{:02}.{}", rest / 10, rest % 10);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest}") } else { format!("{minutes:02}:{rest}") }
}

/// The keys and the tape.
pub fn timeline_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| keys_ui(ui, desk, actions));
    tape_ui(ui, desk, actions);
}

fn keys_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    let mut key = |ui: &mut Ui, sign: &str, hint: &str, enabled: bool, action: Action| {
        let button = egui::Button::new(RichText::new(sign).size(15.0)).min_size(vec2(34.0, 28.0));
        if ui.add_enabled(enabled, button).on_hover_text(hint).clicked() {
            actions.push(action);
        }
    };
    let can_run = matches!(desk.running, Running::Playing | Running::Paused);
    let playing = desk.running == Running::Playing;
    let some = desk.history.latest().is_some();
    key(ui, "⏮", "To the oldest moment that is kept (Home)", some, Action::First);
    key(ui, "⏴", "One frame back (←)", some, Action::StepBack);
    let (sign, hint) = if playing { ("⏸", "Pause (Space)") } else { ("▶", "Play, from the newest moment (Space)") };
    key(ui, sign, hint, can_run, Action::PlayOrPause);
    key(ui, "⏵", "One frame on (→)", can_run || desk.gone_to.is_some(), Action::Step);
    key(ui, "⏭", "To the newest moment (End)", desk.gone_to.is_some(), Action::Latest);
    key(ui, "⟲", "From the beginning, without what was done by hand (R)", some, Action::Restart);
    ui.add_space(theme::GAP);
    let at_s = desk.shown().map_or(0.0, |seen| seen.at_s);
    ui.label(RichText::new(clock(at_s)).font(theme::figures(18.0)).color(theme::TEXT));
    ui.label(RichText::new(format!("of {}", clock(desk.scenario.duration_s))).color(theme::WEAK));
    ui.add_space(theme::GAP);
    let (words, color) = match (&desk.running, desk.gone_to) {
        (Running::Starting, _) => ("starting", theme::WEAK),
        (_, Some(_)) => ("looking back", theme::WARNING),
        (Running::Playing, None) => ("running", theme::GOOD),
        (Running::Paused, None) => ("paused", theme::WARNING),
        (Running::Ended(None), None) => ("at its end", theme::WEAK),
        (Running::Ended(Some(_)), None) => ("broke off", theme::BAD),
    };
    ui.label(RichText::new(words).color(color));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        egui::ComboBox::from_id_salt("speed")
            .width(76.0)
            .selected_text(format!("{} ×", desk.layout.speed))
            .show_ui(ui, |ui| {
                for speed in SPEEDS {
                    if ui.selectable_label(desk.layout.speed == speed, format!("{speed} ×")).clicked() {
                        actions.push(Action::Speed(speed));
                    }
                }
            })
            .response
            .on_hover_text("Times as fast as real time, or as fast as it can (+ and −)");
        ui.label(RichText::new("Speed").color(theme::WEAK));
        ui.add_space(theme::GAP);
        legend(ui, "report", theme::ACCENT);
        legend(ui, "event", theme::WARNING);
    });
}

fn legend(ui: &mut Ui, words: &str, color: Color32) {
    ui.label(RichText::new(words).size(theme::SMALL).color(theme::WEAK));
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 12.0), Sense::hover());
    ui.painter().add(diamond(rect.center(), 4.5, color));
}

fn diamond(at: Pos2, half: f32, color: Color32) -> Shape {
    let corners = [vec2(0.0, -half), vec2(half, 0.0), vec2(0.0, half), vec2(-half, 0.0)];
    Shape::convex_polygon(corners.map(|corner| at + corner).to_vec(), color, Stroke::NONE)
}

/// Rows of the tape: events above, reports below, and the time beneath.
fn tape_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 52.0), Sense::click_and_drag());
    let tape = Rect::from_min_max(rect.min + vec2(8.0, 2.0), pos2(rect.max.x - 8.0, rect.min.y + 34.0));
    let painter = ui.painter_at(rect);
    let duration_s = desk.scenario.duration_s;
    let x_of = |at_s: f64| tape.min.x + (at_s / duration_s) as f32 * tape.width();
    painter.rect_filled(tape, 4.0, theme::GROUND);
    let oldest_s = desk.history.moments().next().map_or(0.0, |seen| seen.at_s);
    let kept = Rect::from_x_y_ranges(x_of(oldest_s)..=x_of(desk.now_s()), tape.y_range());
    painter.rect_filled(kept, 4.0, Color32::from_rgb(33, 40, 50));
    for (at_s, words) in ticks(duration_s) {
        let x = x_of(at_s);
        painter.vline(x, tape.y_range(), Stroke::new(1.0, theme::EDGE));
        let anchor = if at_s == 0.0 { Align2::LEFT_TOP } else { Align2::CENTER_TOP };
        painter.text(pos2(x, tape.max.y + 3.0), anchor, words, theme::font(11.5), theme::WEAK);
    }
    let rows = [tape.min.y + 9.0, tape.min.y + 24.0];
    let all = marks(desk);
    let (events, reports): (Vec<Mark>, Vec<Mark>) = all.iter().partition(|mark| matches!(mark.of, MarkOf::Event(_)));
    let shown_s = desk.shown().map_or(0.0, |seen| seen.at_s);
    for (row, marks, color) in [(rows[0], &events, theme::WARNING), (rows[1], &reports, theme::ACCENT)] {
        for mark in marks {
            let color = if mark.at_s > desk.now_s() { color.gamma_multiply(0.45) } else { color };
            painter.add(diamond(pos2(x_of(mark.at_s), row), 5.0, color));
        }
    }
    let x = x_of(shown_s);
    painter.vline(x, rect.min.y..=tape.max.y + 2.0, Stroke::new(2.0, theme::TEXT));

    let Some(pointer) = response.interact_pointer_pos().or_else(|| response.hover_pos()) else { return };
    let near_row = if pointer.y < (rows[0] + rows[1]) / 2.0 { &events } else { &reports };
    let meant = mark_near(near_row, pointer.x, x_of).filter(|_| tape.contains(pointer));
    if let Some(mark) = meant {
        let words = match mark.of {
            MarkOf::Event(i) => words(&desk.history.timeline[i]),
            MarkOf::Report(i) => desk.history.reports[i].title.clone(),
        };
        response.clone().on_hover_text_at_pointer(format!("{} · {words}", clock(mark.at_s)));
    }
    match meant {
        Some(mark) if response.clicked() => actions.push(match mark.of {
            MarkOf::Event(i) => Action::OpenEvent(i),
            MarkOf::Report(i) => Action::OpenReport(i),
        }),
        _ if response.clicked() || response.dragged() => {
            let part = ((pointer.x - tape.min.x) / tape.width()).clamp(0.0, 1.0);
            actions.push(Action::GoTo(f64::from(part) * duration_s));
        }
        _ => {}
    }
}

/// Where the time is written: about ten places, at round times.
pub fn ticks(duration_s: f64) -> Vec<(f64, String)> {
    let steps = [
        0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0,
        86_400.0,
    ];
    let step_s = steps.into_iter().find(|step| duration_s / step <= 12.0).unwrap_or(86_400.0);
    let count = (duration_s / step_s * 0.995).floor() as u32;
    (0..=count).map(|i| f64::from(i) * step_s).map(|at_s| (at_s, tick(at_s, duration_s))).collect()
}

/// A time as it is written at an axis of so many seconds.
pub fn tick(at_s: f64, duration_s: f64) -> String {
    if duration_s < 120.0 { format!("{at_s} s") } else { clock(at_s).trim_end_matches(".0").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mark_is_meant_and_none_that_is_far() {
        let mark = |at_s, i| Mark { at_s, of: MarkOf::Report(i) };
        let marks = [mark(1.0, 0), mark(1.5, 1), mark(1.5, 2), mark(9.0, 3)];
        let near = |x| mark_near(&marks, x, |at_s| at_s as f32 * 10.0).map(|mark| mark.of);
        assert_eq!(near(11.0), Some(MarkOf::Report(0)));
        assert_eq!(near(14.0), Some(MarkOf::Report(2)), "of two at one time the last");
        assert_eq!(near(90.0 + NEAR), Some(MarkOf::Report(3)));
        assert_eq!(near(50.0), None);
    }

    #[test]
    fn times_are_written_as_on_a_tape_deck() {
        assert_eq!([0.0, 59.96, 75.3, 3661.0].map(clock), ["00:00.0", "00:59.9", "01:15.3", "1:01:01.0"]);
        for duration_s in [5.0, 60.0, 300.0, 86_400.0, 604_800.0] {
            let ticks = ticks(duration_s);
            assert!((3..=13).contains(&ticks.len()), "{duration_s}: {ticks:?}");
            assert!(ticks.iter().all(|(at_s, _)| *at_s < duration_s));
        }
        assert_eq!(ticks(60.0)[1], (5.0, "5 s".to_owned()));
    }
}
