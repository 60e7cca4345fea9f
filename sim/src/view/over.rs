//! What lies over the rest: a report, an event, where to save to, and the overview of keys.

use bevy_egui::egui::text::LayoutJob;
use bevy_egui::egui::{self, Align2, Color32, Context, RichText, ScrollArea, TextEdit, TextFormat, Ui, vec2};

use super::desk::{Action, Desk, Open};
use super::keys::KEYS;
use super::theme;
use super::timeline::{clock, words};

/// How wide a window with a document is, points.
const DOCUMENT: f32 = 560.0;

pub fn over_ui(context: &Context, desk: &Desk, actions: &mut Vec<Action>) {
    let Some(open) = &desk.open else { return };
    let mut stays = true;
    match open {
        Open::Report(index) => {
            let Some(report) = desk.history.reports.get(*index) else { return };
            let title = format!("Report {} of {} · {}", index + 1, desk.history.reports.len(), clock(report.at_s));
            window(context, &title, DOCUMENT, &mut stays, |ui| {
                ui.label(RichText::new(&report.title).strong());
                ui.label(RichText::new(&report.to).color(theme::WEAK));
                document_ui(ui, &report.text);
                ui.horizontal(|ui| {
                    if ui.add_enabled(*index > 0, egui::Button::new("Previous")).clicked() {
                        actions.push(Action::OpenReport(index - 1));
                    }
                    let more = index + 1 < desk.history.reports.len();
                    if ui.add_enabled(more, egui::Button::new("Next")).clicked() {
                        actions.push(Action::OpenReport(index + 1));
                    }
                    if ui.button("Go to its moment").clicked() {
                        actions.push(Action::GoTo(report.at_s));
                    }
                });
            });
        }
        Open::Event(index) => {
            let Some(event) = desk.history.timeline.get(*index) else { return };
            window(context, &format!("Event · {}", clock(event.at_s)), DOCUMENT, &mut stays, |ui| {
                ui.label(RichText::new(words(event)).strong());
                document_ui(ui, &ron_file::RonFile::written(event));
            });
        }
        Open::Help => window(context, "Keys", 380.0, &mut stays, |ui| {
            egui::Grid::new("keys").num_columns(2).spacing(vec2(24.0, 7.0)).show(ui, |ui| {
                for (key, does) in KEYS {
                    ui.label(RichText::new(*key).monospace().color(theme::ACCENT));
                    ui.label(*does);
                    ui.end_row();
                }
            });
        }),
        Open::Save { path, problem } => window(context, "Save as scenario", 520.0, &mut stays, |ui| {
            ui.label("The run up to now, with all that was done by hand, as a file for twin run:");
            // What is being typed is the field's own until it is meant.
            let id = ui.make_persistent_id("path");
            let mut typed = ui.data_mut(|data| data.get_temp::<String>(id)).unwrap_or_else(|| path.clone());
            let field =
                ui.add(TextEdit::singleline(&mut typed).desired_width(f32::INFINITY).font(egui::TextStyle::Monospace));
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if !field.has_focus() && !entered {
                field.request_focus();
            }
            if let Some(words) = problem {
                ui.label(RichText::new(words).color(theme::BAD));
            }
            let pressed = ui.button("Save").clicked();
            if entered || pressed {
                ui.data_mut(|data| data.remove_temp::<String>(id));
                actions.push(Action::SaveTo(typed));
            } else {
                ui.data_mut(|data| data.insert_temp(id, typed));
            }
        }),
    }
    if !stays {
        actions.push(Action::Close);
    }
}

fn window(context: &Context, title: &str, width: f32, stays: &mut bool, contents: impl FnOnce(&mut Ui)) {
    egui::Window::new(title)
        .id(egui::Id::new("over"))
        .collapsible(false)
        .resizable(false)
        .min_width(width)
        .max_width(width)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, -20.0))
        .open(stays)
        .show(context, contents);
}

/// A document with its keys and values told apart.
fn document_ui(ui: &mut Ui, text: &str) {
    let height = ui.ctx().content_rect().height() * 0.58;
    egui::Frame::new().fill(theme::GROUND).corner_radius(5.0).inner_margin(10.0).show(ui, |ui| {
        ScrollArea::both()
            .max_height(height)
            .min_scrolled_height(height.min(320.0))
            .auto_shrink([false, true])
            .max_width(DOCUMENT)
            .show(ui, |ui| {
                ui.add(egui::Label::new(coloured(text)).selectable(true).extend());
            });
    });
}

/// JSON or RON with colours: names, text, numbers.
fn coloured(text: &str) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (piece, color) in pieces(text) {
        job.append(piece, 0.0, TextFormat::simple(theme::figures(12.5), color));
    }
    job
}

/// The text cut into pieces of one colour each.
fn pieces(text: &str) -> Vec<(&str, Color32)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, color) = match first {
            '"' => {
                let end = quoted_length(rest);
                let is_name = rest[end..].trim_start().starts_with(':');
                (end, if is_name { theme::TRACKED } else { theme::TRUE })
            }
            '-' | '0'..='9' => (
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len()),
                theme::DETECTED,
            ),
            c if c.is_alphabetic() => {
                (rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()), theme::TEXT)
            }
            c => (c.len_utf8(), theme::WEAK),
        };
        pieces.push((&rest[..length], color));
        rest = &rest[length..];
    }
    pieces
}

/// How long the quoted text is with which this begins, quotes and all.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return i + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_texts_and_numbers_are_told_apart_and_nothing_is_lost() {
        let json = "{\n  \"na\\\"me\": \"ä: 3\",\n  \"count\": [-1.5e3, true, null]\n}";
        let cut = pieces(json);
        assert_eq!(cut.iter().map(|(piece, _)| *piece).collect::<String>(), json);
        let color = |words: &str| cut.iter().find(|(piece, _)| *piece == words).map(|(_, color)| *color);
        assert_eq!(color("\"na\\\"me\""), Some(theme::TRACKED));
        assert_eq!(color("\"ä: 3\""), Some(theme::TRUE));
        assert_eq!(color("-1.5e3"), Some(theme::DETECTED));
        assert_eq!(color("true"), Some(theme::TEXT));
        assert_eq!(pieces("\"unended").len(), 1);
    }
}
