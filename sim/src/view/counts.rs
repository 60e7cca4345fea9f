//! How many people the device counted, against how many there were.

use bevy_egui::egui::{self, Align, Layout, RichText, Stroke, Ui};
use egui_plot::{Line, Plot, PlotPoints, Points, VLine};

use super::desk::{Action, Desk};
use super::{theme, timeline};

/// More points than this are more than there are pixels: every second one, or third, is left out.
const POINTS_MAX: usize = 2000;

/// Counted and true, as steps over time.
#[derive(Debug, Default, PartialEq)]
pub struct Series {
    pub counted: Vec<[f64; 2]>,
    pub truth: Vec<[f64; 2]>,
    /// Where the count is wrong.
    pub wrong: Vec<[f64; 2]>,
    /// The mean accuracy of the frames that are kept; `None` without one.
    pub accuracy: Option<f64>,
}

/// What there is to draw of moments: when, counted, true, and how right that was.
pub fn series(moments: impl ExactSizeIterator<Item = Option<(f64, u32, u32, f64)>>) -> Series {
    let every = moments.len().div_ceil(POINTS_MAX).max(1);
    let mut series = Series::default();
    let (mut sum, mut frames) = (0.0, 0usize);
    for (i, (at_s, counted, truth, accuracy)) in moments.enumerate().filter_map(|(i, moment)| Some((i, moment?))) {
        (sum, frames) = (sum + accuracy, frames + 1);
        if accuracy < 1.0 {
            series.wrong.push([at_s, f64::from(counted)]);
        }
        if i % every == 0 {
            for (line, value) in [(&mut series.counted, counted), (&mut series.truth, truth)] {
                let value = f64::from(value);
                if let Some([_, before]) = line.last().copied()
                    && before != value
                {
                    line.push([at_s, before]);
                }
                line.push([at_s, value]);
            }
        }
    }
    series.accuracy = (frames > 0).then(|| sum / frames as f64);
    series
}

pub fn counts_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    let moments = desk.history.moments().map(|seen| {
        let (_, counts) = seen.analysed.as_ref()?;
        Some((seen.at_s, counts.counted, counts.truth.sure, counts.truth.accuracy(counts.counted)))
    });
    let series = series(moments);
    let now = desk.shown().and_then(|seen| Some(seen.analysed.as_ref()?.1));
    ui.horizontal(|ui| {
        ui.label(
            RichText::new("PEOPLE IN THE DETECTION AREA").font(theme::font(theme::SMALL)).color(theme::WEAK).strong(),
        );
        ui.add_space(theme::GAP);
        let figure = |value: Option<u32>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
        ui.label(RichText::new(format!("counted {}", figure(now.map(|now| now.counted)))).color(theme::TRACKED));
        ui.label(RichText::new(format!("true {}", figure(now.map(|now| now.truth.sure)))).color(theme::TRUE));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let accuracy = series.accuracy.map_or_else(|| "–".to_owned(), |part| format!("{:.1} %", part * 100.0));
            ui.label(RichText::new(format!("accuracy {accuracy}")).color(theme::WEAK))
                .on_hover_text("The mean over frames of 1 − |counted − true| / max(true, 1)");
        });
    });
    let most = series.counted.iter().chain(&series.truth).map(|[_, value]| *value).fold(1.0, f64::max);
    let (duration_s, shown_s) = (desk.scenario.duration_s, desk.shown().map_or(0.0, |seen| seen.at_s));
    let plot = Plot::new("counts")
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_background(false)
        .set_margin_fraction(egui::Vec2::ZERO)
        .y_axis_min_width(26.0)
        .grid_color(theme::EDGE)
        .x_grid_spacer(move |_| {
            let ticks = timeline::ticks(duration_s);
            let step_size = ticks.get(1).map_or(duration_s, |(at_s, _)| *at_s);
            ticks.into_iter().map(|(value, _)| egui_plot::GridMark { value, step_size }).collect()
        })
        // The first is where the other axis has its own.
        .x_axis_formatter(
            |mark, _| if mark.value == 0.0 { String::new() } else { timeline::tick(mark.value, duration_s) },
        )
        .y_grid_spacer(|input| {
            let step = ((input.bounds.1 - input.bounds.0) / 5.0).ceil().max(1.0);
            let marks = (0..).map(|i| f64::from(i) * step).take_while(|value| *value <= input.bounds.1);
            marks.map(|value| egui_plot::GridMark { value, step_size: step }).collect()
        })
        .y_axis_formatter(|mark, _| format!("{:.0}", mark.value));
    let response = plot.show(ui, |plot| {
        plot.set_plot_bounds_x(0.0..=duration_s);
        plot.set_plot_bounds_y(0.0..=most + 0.6);
        let line = |name: &str, points: Vec<[f64; 2]>, width: f32, color| {
            Line::new(name, PlotPoints::from(points)).stroke(Stroke::new(width, color))
        };
        plot.line(line("true", series.truth, 3.5, theme::TRUE.gamma_multiply(0.55)));
        plot.line(line("counted", series.counted, 1.5, theme::TRACKED));
        plot.points(Points::new("wrong", series.wrong).radius(2.0).color(theme::BAD));
        plot.vline(VLine::new("now", shown_s).stroke(Stroke::new(1.0, theme::TEXT)));
        plot.pointer_coordinate()
    });
    if response.response.clicked()
        && let Some(at) = response.inner
    {
        actions.push(Action::GoTo(at.x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_steps_and_what_is_wrong_is_marked() {
        let moments = [Some((0.0, 1, 1, 1.0)), None, Some((0.2, 1, 2, 0.5)), Some((0.3, 2, 2, 1.0))];
        let series = series(moments.into_iter());
        assert_eq!(series.counted, [[0.0, 1.0], [0.2, 1.0], [0.3, 1.0], [0.3, 2.0]]);
        assert_eq!(series.truth, [[0.0, 1.0], [0.2, 1.0], [0.2, 2.0], [0.3, 2.0]]);
        assert_eq!(series.wrong, [[0.2, 1.0]]);
        assert!((series.accuracy.unwrap() - 2.5 / 3.0).abs() < 1e-9);
        assert_eq!(super::series(std::iter::empty()), Series::default());
    }

    #[test]
    fn a_long_run_is_drawn_with_a_bounded_number_of_points() {
        let moments = (0..100_000u32).map(|i| Some((f64::from(i), 3, 3, 1.0)));
        let moments: Vec<_> = moments.collect();
        let series = series(moments.into_iter());
        assert!(series.counted.len() <= POINTS_MAX && series.counted.len() > POINTS_MAX / 2);
    }
}
