//! The window: a run as it goes on, what the sensor sees of it, and hands to interfere with.
//!
//! The loop runs in a thread of its own ([`session`]), with the same headless renderer as ever, so what the window does or how
//! fast it is cannot change what happens. It is told each moment and keeps them ([`history`]). Panels are given the state
//! ([`desk`]) to look at and give actions back; actions are done in one place, and what is to happen in the run goes to the loop as
//! an order, which becomes an event of the timeline.

mod canvas;
mod counts;
mod desk;
mod history;
mod keys;
mod layout;
mod over;
mod pace;
mod room;
mod sensor;
mod session;
mod side;
mod theme;
mod timeline;
mod window;

use std::sync::Arc;

use anyhow::{Context, bail};
use scenarios::Scenario;

pub use self::session::Eye;
use crate::light;

/// Shows a scenario until the window is closed.
pub fn open(scenario: Scenario, eye: Eye) -> anyhow::Result<()> {
    // Held as long as the window: a display without anybody on it may start anew.
    let _display = display()?;
    light::require_adapter().map_err(|_| {
        anyhow::anyhow!(
            "no Vulkan driver found to draw the window with; the software one will do: `apt-get install mesa-vulkan-drivers`"
        )
    })?;
    if window::run(Arc::new(scenario), eye).is_error() {
        bail!("the window broke off; what it said is above");
    }
    Ok(())
}

/// Bevy panics where there is no display; look before it does.
fn display() -> anyhow::Result<x11rb::rust_connection::RustConnection> {
    let display = std::env::var("DISPLAY").ok().filter(|name| !name.is_empty());
    let Some(display) = display else {
        bail!(
            "there is no display to show a window on: DISPLAY is not set. Start it in a graphical session (with X11, or XWayland), or on a display in \
             memory: `xvfb-run -s '-screen 0 1280x720x24' twin view …`"
        );
    };
    let connected = x11rb::connect(None).map(|(connection, _)| connection);
    connected.with_context(|| {
        format!("failed to open the display {display}: is there an X server, and may this user use it?")
    })
}
