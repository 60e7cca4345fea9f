//! The window itself: Bevy with winit and egui, which draws what the desk holds and does what panels ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::window::{PrimaryWindow, WindowResizeConstraints, WindowResolution};
use bevy::winit::{EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent};
use bevy_egui::egui::{self, Align, Rect, RichText, Ui, UiBuilder, pos2, vec2};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass, EguiUserTextures};
use scenarios::Scenario;

use super::desk::{Action, Desk, Effect, Notice};
use super::layout::{self, Layout, SIZE_MIN};
use super::room::{RoomPicture, room_ui};
use super::sensor::{self, SensorPicture};
use super::session::{Eye, Session};
use super::side::{SideState, side_ui};
use super::{counts, keys, over, theme, timeline};
use crate::light;

/// Looks for changes at least so often, though nothing asks for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SIDE_WIDTH: f32 = 288.0;

/// All that the window holds.
struct Workshop {
    desk: Desk,
    session: Session,
    sensor: SensorPicture,
    room: RoomPicture,
    side: SideState,
    /// Where the layout is remembered, and as what it is.
    remembered: (Option<PathBuf>, Layout),
    is_styled: bool,
}

/// Shows a scenario until the window is closed.
pub fn run(scenario: Arc<Scenario>, eye: Eye) -> AppExit {
    let file = layout::file();
    let layout = Layout::read(file.as_deref());
    let mut app = App::new();
    let (width, height) = layout.size;
    let window = Window {
        title: format!("twin – {}", scenario.name),
        name: Some("twin".to_owned()),
        resolution: WindowResolution::new(width as u32, height as u32),
        resize_constraints: WindowResizeConstraints { min_width: SIZE_MIN.0, min_height: SIZE_MIN.1, ..default() },
        ..default()
    };
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(RenderPlugin {
                render_creation: WgpuSettings { backends: Some(light::BACKENDS), ..default() }.into(),
                synchronous_pipeline_compilation: true,
                ..default()
            })
            .disable::<bevy::log::LogPlugin>(),
    );
    app.add_plugins(EguiPlugin::default());
    let looks = UpdateMode::reactive_low_power(LOOK_EVERY);
    app.insert_resource(WinitSettings { focused_mode: looks, unfocused_mode: looks });
    let proxy = (**app.world().resource::<EventLoopProxyWrapper>()).clone();
    let wake = move || {
        // A window that is gone is not woken.
        proxy.send_event(WinitUserEvent::WakeUp).ok();
    };
    let speed = layout.speed;
    app.insert_non_send(Workshop {
        session: Session::start(Arc::clone(&scenario), eye, speed, wake.clone()),
        room: RoomPicture::start(Arc::clone(&scenario), wake),
        remembered: (file, layout.clone()),
        desk: Desk::new(scenario, layout),
        sensor: SensorPicture::default(),
        side: SideState::default(),
        is_styled: false,
    });
    let [r, g, b, _] = theme::GROUND.to_array();
    app.insert_resource(ClearColor(Color::srgb_u8(r, g, b)));
    app.add_systems(Startup, |mut commands: Commands| {
        // What egui draws has smooth edges by itself, and on a CPU each sample costs.
        commands.spawn((Camera2d, Msaa::Off, Tonemapping::None));
    });
    app.add_systems(Update, take_in);
    app.add_systems(EguiPrimaryContextPass, show);
    app.add_systems(Last, leave);
    app.run()
}

/// Ends the threads before the drivers under them go.
fn leave(world: &mut World) {
    if !world.resource::<Messages<AppExit>>().is_empty() {
        world.remove_non_send::<Workshop>();
    }
}

/// Takes in news and pictures.
fn take_in(
    workshop: Option<NonSendMut<Workshop>>,
    mut images: ResMut<Assets<Image>>,
    mut textures: ResMut<EguiUserTextures>,
) {
    let Some(mut workshop) = workshop else { return };
    let Workshop { desk, session, sensor, room, .. } = &mut *workshop;
    while let Some(news) = session.next_news() {
        desk.hear(news);
    }
    if let Some(pixels) = desk.shown().and_then(|seen| sensor.change_to(seen)) {
        sensor.canvas.set(pixels, &mut images, &mut textures);
    }
    if let Some(pixels) = room.change() {
        room.canvas.set(pixels, &mut images, &mut textures);
    }
}

/// One picture of the window: draws it, and does what was asked for.
fn show(
    mut contexts: EguiContexts,
    workshop: Option<NonSendMut<Workshop>>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut commands: Commands,
) -> Result {
    let Some(mut workshop) = workshop else { return Ok(()) };
    let workshop = &mut *workshop;
    let context = contexts.ctx_mut()?;
    if !workshop.is_styled {
        theme::apply(context);
        workshop.is_styled = true;
    }
    let mut actions = keys::pressed(context, &workshop.desk);
    workshop_ui(context, workshop, &mut actions);
    let effects: Vec<Effect> = actions.into_iter().flat_map(|action| workshop.desk.act(action)).collect();
    for effect in effects {
        match effect {
            Effect::Tell(order) => workshop.session.tell(order),
            Effect::Screenshot(path) => {
                commands.spawn(Screenshot::primary_window()).observe(
                    move |taken: On<ScreenshotCaptured>, workshop: Option<NonSendMut<Workshop>>| {
                        if let Some(mut workshop) = workshop {
                            workshop.desk.notice = Some(saved(&taken.image, &path));
                        }
                    },
                );
            }
        }
        context.request_repaint();
    }
    workshop.desk.layout.size = (window.resolution.width(), window.resolution.height());
    remember(workshop, context);
    Ok(())
}

/// Writes a picture of the window.
fn saved(image: &Image, path: &Path) -> Notice {
    let written = image.clone().try_into_dynamic().map_err(|error| error.to_string());
    let written = written.and_then(|picture| picture.into_rgb8().save(path).map_err(|error| error.to_string()));
    match written {
        Ok(()) => Notice::Told(format!("screenshot: {}", path.display())),
        Err(words) => Notice::Wrong(format!("failed to write {}: {words}", path.display())),
    }
}

/// Keeps the layout, once whoever changes it lets go.
fn remember(workshop: &mut Workshop, context: &egui::Context) {
    let (Some(file), before) = &mut workshop.remembered else { return };
    let now = &workshop.desk.layout;
    if *before == *now || context.input(|input| input.pointer.any_down()) {
        return;
    }
    if let Err(error) = now.write(file) {
        workshop.desk.notice =
            Some(Notice::Wrong(format!("failed to remember the layout in {}: {error}", file.display())));
    }
    *before = now.clone();
}

fn workshop_ui(context: &egui::Context, workshop: &mut Workshop, actions: &mut Vec<Action>) {
    let builder = UiBuilder::new().layer_id(egui::LayerId::background()).max_rect(context.viewport_rect());
    let mut ui = Ui::new(context.clone(), "workshop".into(), builder);
    let Workshop { desk, sensor, room, side, .. } = workshop;
    let frame = |x, y| egui::Frame::new().fill(theme::PANEL).inner_margin(egui::Margin::symmetric(x, y));
    egui::Panel::top("top")
        .exact_size(38.0)
        .resizable(false)
        .frame(frame(12, 5))
        .show(&mut ui, |ui| top_ui(ui, desk, actions));
    egui::Panel::bottom("bottom").exact_size(104.0).resizable(false).frame(frame(12, 5)).show(&mut ui, |ui| {
        timeline::timeline_ui(ui, desk, actions);
    });
    egui::Panel::right("side").exact_size(SIDE_WIDTH).resizable(false).frame(frame(12, 4)).show(&mut ui, |ui| {
        side_ui(ui, desk, side, actions);
    });
    egui::CentralPanel::default().frame(egui::Frame::new().fill(theme::GROUND)).show(&mut ui, |ui| {
        middle_ui(ui, desk, sensor, room, actions);
    });
    over::over_ui(context, desk, actions);
}

fn top_ui(ui: &mut Ui, desk: &Desk, actions: &mut Vec<Action>) {
    let scenario = &desk.scenario;
    ui.horizontal_centered(|ui| {
        ui.label(RichText::new(&scenario.name).heading().strong());
        let hangs = format!(
            "{} at {:.2} m, {} × {} m room",
            scenario.profile_name,
            scenario.mounting.height_m,
            scenario.scene.room.size_m.0,
            scenario.scene.room.size_m.1
        );
        ui.label(RichText::new(hangs).color(theme::WEAK));
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            if ui.button("?").on_hover_text("What the keyboard does (?)").clicked() {
                actions.push(Action::Help);
            }
            if ui.button("Screenshot").on_hover_text("A PNG into the current folder (F12)").clicked() {
                actions.push(Action::Screenshot);
            }
            if ui.button("Save as scenario").on_hover_text("All that was done by hand, for twin run (S)").clicked() {
                actions.push(Action::AskSave);
            }
            ui.add_space(theme::GAP);
            let (words, color) = match &desk.notice {
                Some(Notice::Told(words)) => (words.as_str(), theme::GOOD),
                Some(Notice::Wrong(words)) => (words.as_str(), theme::WARNING),
                None => (desk.made_by.as_str(), theme::WEAK),
            };
            ui.add(egui::Label::new(RichText::new(words).size(theme::SMALL).color(color)).truncate());
        });
    });
}

/// The room, the sensor's picture beside it, and the counts below.
fn middle_ui(ui: &mut Ui, desk: &Desk, sensor: &mut SensorPicture, room: &mut RoomPicture, actions: &mut Vec<Action>) {
    const HEAD: f32 = 34.0;
    let whole = ui.available_rect_before_wrap().shrink(theme::GAP);
    let half = (whole.width() - theme::GAP) / 2.0;
    // The sensor's picture is as large as it can be, as long as the counts have some room below.
    let pictures = (half * 0.75 + HEAD).min(whole.height() - 128.0);
    let sensor_width = ((pictures - HEAD) / 0.75).min(whole.width() * 0.6);
    let divide_x = whole.max.x - sensor_width;
    let below = whole.min.y + pictures;
    let left = Rect::from_min_max(whole.min, pos2(divide_x - theme::GAP, below));
    let right = Rect::from_min_max(pos2(divide_x, whole.min.y), pos2(whole.max.x, below));
    let heads = |rect: Rect| Rect::from_min_size(rect.min, vec2(rect.width(), HEAD - 6.0));
    let under = |rect: Rect| Rect::from_min_max(rect.min + vec2(0.0, HEAD), rect.max);
    let place = |ui: &mut Ui, rect: Rect, contents: &mut dyn FnMut(&mut Ui)| {
        ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| contents(ui));
    };
    place(ui, heads(left), &mut |ui| {
        ui.horizontal_centered(|ui| {
            theme::heading(ui, "ROOM");
            let hint = RichText::new("drag to orbit, right drag to move, scroll to zoom")
                .size(theme::SMALL)
                .color(theme::WEAK);
            ui.add(egui::Label::new(hint).truncate());
        });
    });
    place(ui, under(left), &mut |ui| room_ui(ui, desk, room, actions));
    place(ui, heads(right), &mut |ui| sensor::switches_ui(ui, desk, actions));
    place(ui, under(right), &mut |ui| sensor::picture_ui(ui, desk, sensor));
    let plot = Rect::from_min_max(pos2(whole.min.x, below + theme::GAP), whole.max);
    place(ui, plot, &mut |ui| counts::counts_ui(ui, desk, actions));
}
