//! Colours, sizes and spacing of the window. What is drawn over pictures has the colours of contact sheets.

use bevy_egui::egui::{
    self, Color32, Context, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Vec2, Visuals,
};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(17, 20, 25);
/// Panels.
pub const PANEL: Color32 = Color32::from_rgb(24, 28, 35);
/// What one presses, at rest.
const WIDGET: Color32 = Color32::from_rgb(38, 44, 54);
const HOVERED: Color32 = Color32::from_rgb(50, 58, 71);
const PRESSED: Color32 = Color32::from_rgb(33, 84, 122);
/// Lines between things.
pub const EDGE: Color32 = Color32::from_rgb(46, 53, 64);
pub const TEXT: Color32 = Color32::from_rgb(222, 227, 235);
/// Units, captions: 5.5 to 1 on panels.
pub const WEAK: Color32 = Color32::from_rgb(144, 154, 168);
/// What is chosen, and the present.
pub const ACCENT: Color32 = Color32::from_rgb(70, 200, 255);
pub const GOOD: Color32 = Color32::from_rgb(90, 230, 110);
pub const WARNING: Color32 = Color32::from_rgb(255, 190, 80);
pub const BAD: Color32 = Color32::from_rgb(255, 110, 90);

pub const DETECTED: Color32 = Color32::from_rgb(255, 205, 40);
pub const TRACKED: Color32 = ACCENT;
pub const TRUE: Color32 = GOOD;
pub const HARDLY_VISIBLE: Color32 = Color32::from_rgb(150, 150, 150);
pub const REGION: Color32 = Color32::from_rgb(255, 110, 200);
pub const LINE: Color32 = Color32::from_rgb(255, 150, 60);
pub const FLOW: Color32 = Color32::from_rgb(170, 140, 255);
pub const MASK: Color32 = Color32::from_rgb(235, 235, 235);

/// Between things.
pub const GAP: f32 = 8.0;
pub const SMALL: f32 = 12.0;
pub const BODY: f32 = 13.5;

/// A font of a size.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Figures that must not move when they change.
pub fn figures(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// Sets it all.
pub fn apply(context: &Context) {
    context.set_theme(Theme::Dark);
    context.all_styles_mut(|style| {
        style.visuals = visuals();
        style.text_styles = [
            (TextStyle::Small, font(SMALL)),
            (TextStyle::Body, font(BODY)),
            (TextStyle::Button, font(BODY)),
            (TextStyle::Heading, font(15.0)),
            (TextStyle::Monospace, figures(12.5)),
        ]
        .into();
        let spacing = &mut style.spacing;
        spacing.item_spacing = Vec2::new(GAP, 6.0);
        spacing.button_padding = Vec2::new(9.0, 4.0);
        spacing.interact_size = Vec2::new(32.0, 26.0);
        spacing.window_margin = Margin::same(12);
        // Nothing is animated, for nothing is to move by itself; and each animation is drawn anew on a CPU.
        style.animation_time = 0.0;
        style.interaction.selectable_labels = false;
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = PANEL;
    visuals.window_fill = PANEL;
    visuals.extreme_bg_color = GROUND;
    visuals.faint_bg_color = Color32::from_rgb(29, 34, 42);
    visuals.window_stroke = Stroke::new(1.0, EDGE);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.selection.bg_fill = PRESSED;
    visuals.selection.stroke = Stroke::new(1.0, TEXT);
    visuals.weak_text_color = Some(WEAK);
    visuals.hyperlink_color = ACCENT;
    visuals.warn_fg_color = WARNING;
    visuals.error_fg_color = BAD;
    let widgets = &mut visuals.widgets;
    let states = [
        (&mut widgets.noninteractive, PANEL, EDGE),
        (&mut widgets.inactive, WIDGET, WIDGET),
        (&mut widgets.hovered, HOVERED, HOVERED),
        (&mut widgets.active, PRESSED, PRESSED),
        (&mut widgets.open, HOVERED, HOVERED),
    ];
    for (state, fill, edge) in states {
        (state.bg_fill, state.weak_bg_fill) = (fill, fill);
        state.bg_stroke = Stroke::new(1.0, edge);
        state.fg_stroke = Stroke::new(1.0, TEXT);
        state.corner_radius = CornerRadius::same(5);
        state.expansion = 0.0;
    }
    visuals
}

/// The heading of a part of a panel.
pub fn heading(ui: &mut egui::Ui, words: &str) {
    ui.add_space(4.0);
    ui.label(egui::RichText::new(words).font(font(SMALL)).color(WEAK).strong());
}

/// A switch that stays pressed.
pub fn switch(ui: &mut egui::Ui, on: bool, words: impl Into<egui::WidgetText>) -> egui::Response {
    ui.add(egui::Button::selectable(on, words))
}
