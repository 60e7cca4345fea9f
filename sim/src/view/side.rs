//! The panel at the side: what a person can do to the device and to the light, and what the device reported.

use bevy_egui::egui::{self, Align, Color32, Layout, RichText, ScrollArea, Sense, Slider, Stroke, Ui, vec2};
use firmware_shim::Contact;
use scenarios::{Event, Fault, Happening};

use super::desk::{Action, Desk};
use super::history::Seen;
use super::theme;
use super::timeline::clock;

/// The buttons are held so long: as a person presses one, and as the guide wants for a reset.
const PRESS_S: f64 = 0.3;
const RESET_S: f64 = 11.0;
/// What light one can turn on here, lx.
const LUX: std::ops::RangeInclusive<f64> = 0.0..=2000.0;

/// What is being dragged and was not let go yet.
#[derive(Default)]
pub struct SideState {
    lux: Option<f64>,
}

pub fn side_ui(ui: &mut Ui, desk: &Desk, state: &mut SideState, actions: &mut Vec<Action>) {
    let Some(seen) = desk.shown() else {
        ui.add_space(theme::GAP);
        ui.label(
            RichText::new("The device's hardware, the light and its reports are here once the run begins.")
                .color(theme::WEAK),
        );
        return;
    };
    device_ui(ui, seen, actions);
    recipients_ui(ui, desk, actions);
    theme::heading(ui, "LIGHT");
    light_ui(ui, seen, state, actions);
    reports_ui(ui, desk, seen, actions);
}

/// A lamp and words.
fn state_ui(ui: &mut Ui, color: Option<Color32>, name: &str, value: &str) {
    ui.horizontal(|ui| {
        ui.set_height(20.0);
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), Sense::hover());
        match color {
            Some(color) => ui.painter().circle_filled(rect.center(), 5.0, color),
            None => ui.painter().circle_stroke(rect.center(), 4.5, Stroke::new(1.0, theme::WEAK)),
        };
        ui.label(name);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(RichText::new(value).color(theme::WEAK)));
    });
}

fn device_ui(ui: &mut Ui, seen: &Seen, actions: &mut Vec<Action>) {
    theme::heading(ui, "DEVICE");
    let (power, color) = match (seen.has_power, seen.is_up) {
        (true, true) => ("on", Some(theme::GOOD)),
        (true, false) => ("starting", Some(theme::WARNING)),
        (false, _) => ("off", None),
    };
    state_ui(ui, color, "Power", power);
    let lit = seen.led_is_lit.then_some(theme::GOOD);
    state_ui(ui, lit, "LED", if seen.led_is_lit { "lit" } else { "dark" });
    let open = seen.do_contact != Some(Contact::Closed);
    state_ui(ui, (!open).then_some(theme::ACCENT), "DO contact", if open { "open" } else { "closed" });
    let cable = if seen.cable_is_in { "in" } else { "out" };
    state_ui(ui, seen.cable_is_in.then_some(theme::GOOD), "Network cable", cable);
    ui.add_space(2.0);
    let (power_words, power_event) = if seen.has_power {
        ("Cut power", Happening::PowerCut { source: None, after_flash_bytes: None })
    } else {
        ("Power on", Happening::PowerOn)
    };
    let (cable_words, cable_event) =
        if seen.cable_is_in { ("Pull cable", Happening::UnplugCable) } else { ("Plug cable", Happening::PlugCable) };
    let buttons = [
        ("Press DI", "The button on the digital input is pressed for 0.3 s (D)", Happening::PressDi { for_s: PRESS_S }),
        (
            "Hold reset",
            "The reset button is held for 11 s, which brings back the factory's settings",
            Happening::PressReset { for_s: RESET_S },
        ),
        (power_words, "Everything that supplies the device (P)", power_event),
        (cable_words, "The device's network cable, and with it PoE (N)", cable_event),
    ];
    let width = (ui.available_width() - theme::GAP) / 2.0;
    for pair in buttons.chunks(2) {
        ui.horizontal(|ui| {
            for (words, hint, event) in pair {
                let button = egui::Button::new(*words).min_size(vec2(width, 28.0));
                if ui.add(button).on_hover_text(*hint).clicked() {
                    actions.push(Action::Happen(event.clone()));
                }
            }
        });
    }
}

/// Whether the timeline up to a time has left a fault with a recipient.
fn fault_of(timeline: &[Event], address: &str, until_s: f64) -> Option<Fault> {
    timeline.iter().filter(|event| event.at_s <= until_s).fold(None, |before, event| match &event.event {
        Happening::NetworkFault { recipient, fault } if recipient == address => Some(*fault),
        Happening::NetworkRestored { recipient } if recipient == address => None,
        _ => before,
    })
}

fn recipients_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    if desk.scenario.recipients.is_empty() {
        return;
    }
    theme::heading(ui, "RECIPIENTS");
    for recipient in &desk.scenario.recipients {
        let address = recipient.address.clone();
        let fault = fault_of(&desk.history.timeline, &address, desk.now_s() + 1.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new(&address).monospace());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (words, hint, event) = match fault {
                    None => (
                        "reachable",
                        "Press to have it refuse connections from now on",
                        Happening::NetworkFault { recipient: address, fault: Fault::Refuses },
                    ),
                    Some(_) => {
                        ("refuses", "Press to have it answer again", Happening::NetworkRestored { recipient: address })
                    }
                };
                if theme::switch(ui, fault.is_none(), words).on_hover_text(hint).clicked() {
                    actions.push(Action::Happen(event));
                }
            });
        });
    }
}

fn light_ui(ui: &mut Ui, seen: &Seen, state: &mut SideState, actions: &mut Vec<Action>) {
    let mut lux = state.lux.unwrap_or(seen.lux);
    ui.spacing_mut().slider_width = ui.available_width() - 82.0;
    let slider = Slider::new(&mut lux, LUX).logarithmic(true).smallest_positive(1.0).suffix(" lx").fixed_decimals(0);
    let response = ui.add(slider).on_hover_text("Horizontal illuminance, 0.8 m above the floor");
    // One event for one change, not one for each pixel of the way.
    let let_go = response.drag_stopped() || response.lost_focus() || (response.changed() && !response.dragged());
    state.lux = (response.dragged() || response.has_focus()).then_some(lux);
    if let_go && (lux - seen.lux).abs() > 1e-9 {
        state.lux = None;
        actions.push(Action::Happen(Happening::Lux((lux * 10.0).round() / 10.0)));
    }
}

fn reports_ui(ui: &mut Ui, desk: &Desk, seen: &Seen, actions: &mut Vec<Action>) {
    theme::heading(ui, "REPORTS");
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("{} arrived", seen.reports)));
        let color = if seen.dropped > 0 { theme::BAD } else { theme::WEAK };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(format!("{} given up", seen.dropped)).color(color))
        });
    });
    let reports = &desk.history.reports[..seen.reports.min(desk.history.reports.len())];
    if reports.is_empty() {
        let words = match desk.scenario.recipients.is_empty() {
            true => "Nobody receives reports here: open a scenario with recipients.",
            false => "None has arrived yet.",
        };
        ui.label(RichText::new(words).color(theme::WEAK));
        return;
    }
    let height = 21.0;
    ui.spacing_mut().item_spacing.y = 2.0;
    ScrollArea::vertical().auto_shrink([false, false]).show_rows(ui, height, reports.len(), |ui, rows| {
        for i in rows {
            // The latest is at the top.
            let index = reports.len() - 1 - i;
            let report = &reports[index];
            ui.horizontal(|ui| {
                ui.set_height(height);
                ui.label(RichText::new(clock(report.at_s)).font(theme::figures(theme::SMALL)).color(theme::WEAK));
                let title = egui::Button::new(RichText::new(&report.title).size(theme::SMALL)).frame(false).truncate();
                if ui.add(title).on_hover_text(&report.to).clicked() {
                    actions.push(Action::OpenReport(index));
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_until_it_is_mended() {
        let address = "192.168.0.9:80";
        let recipient = address.to_owned();
        let events = [
            (1.0, Happening::NetworkFault { recipient: recipient.clone(), fault: Fault::Refuses }),
            (2.0, Happening::NetworkRestored { recipient }),
        ];
        let timeline = events.map(|(at_s, event)| Event { at_s, event });
        let at = |until_s| fault_of(&timeline, address, until_s);
        assert_eq!([at(0.5), at(1.5), at(2.0)], [None, Some(Fault::Refuses), None]);
        assert_eq!(fault_of(&timeline, "192.168.0.8:80", 1.5), None);
    }
}
