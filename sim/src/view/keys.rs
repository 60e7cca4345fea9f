//! What the keyboard does.

use bevy_egui::egui::{Context, Key};
use scenarios::Happening;

use super::desk::{Action, Desk};
use super::layout::{Layer, Orbit};

/// What the overview shows.
pub const KEYS: &[(&str, &str)] = &[
    ("Space", "play or pause"),
    ("→  ←", "one frame on or back"),
    ("Home  End", "to the oldest moment kept, to the newest"),
    ("+  −", "faster, slower"),
    ("R", "from the beginning"),
    ("1 … 8", "what is drawn over the sensor's picture"),
    ("T", "top view of the room, and back"),
    ("D", "press the button on DI"),
    ("P", "cut the power, or have it back"),
    ("N", "pull the network cable, or plug it in"),
    ("S", "save as scenario"),
    ("F12", "screenshot into the current folder"),
    ("Esc", "close what lies over the rest"),
    ("?", "this overview"),
];

/// What the keys that were pressed ask for.
pub fn pressed(context: &Context, desk: &Desk) -> Vec<Action> {
    if context.egui_wants_keyboard_input() {
        // Somebody types.
        return if context.input(|input| input.key_pressed(Key::Escape)) { vec![Action::Close] } else { vec![] };
    }
    let pressed = context.input(|input| {
        let plain = !input.modifiers.command && !input.modifiers.alt;
        let keys = input.events.iter().filter_map(|event| match event {
            bevy_egui::egui::Event::Key { key, pressed: true, .. } if plain => Some(*key),
            _ => None,
        });
        keys.collect::<Vec<Key>>()
    });
    pressed.into_iter().filter_map(|key| action(key, desk)).collect()
}

/// What a key asks for.
fn action(key: Key, desk: &Desk) -> Option<Action> {
    const LAYERS: [Key; 8] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
    if let Some(i) = LAYERS.iter().position(|other| *other == key) {
        return Some(Action::Switch(Layer::ALL[i]));
    }
    let now = desk.history.latest();
    Some(match key {
        Key::Space => Action::PlayOrPause,
        Key::ArrowRight => Action::Step,
        Key::ArrowLeft => Action::StepBack,
        Key::Home => Action::First,
        Key::End => Action::Latest,
        Key::Plus | Key::Equals => Action::Faster(1),
        Key::Minus => Action::Faster(-1),
        Key::R => Action::Restart,
        Key::T => {
            let orbit = desk.layout.orbit;
            // With the room's +y upwards, as the sensor's picture is without rotation.
            let top = Orbit { azimuth_deg: -90.0, elevation_deg: 90.0, ..orbit };
            Action::Orbit(if orbit.elevation_deg > 89.0 { Orbit::default() } else { top })
        }
        Key::D => Action::Happen(Happening::PressDi { for_s: 0.3 }),
        Key::P if now?.has_power => Action::Happen(Happening::PowerCut { source: None, after_flash_bytes: None }),
        Key::P => Action::Happen(Happening::PowerOn),
        Key::N if now?.cable_is_in => Action::Happen(Happening::UnplugCable),
        Key::N => Action::Happen(Happening::PlugCable),
        Key::S => Action::AskSave,
        Key::F12 => Action::Screenshot,
        Key::Escape => Action::Close,
        Key::Questionmark => Action::Help,
        _ => return None,
    })
}
