//! The virtual hardware of the sensor: from light at the lens to 8-bit pixels, the clock chip, the DI pin, the DO contact, the
//! RS485 line, the LED, the ways in for power and the flash.
//!
//! A [`Profile`] holds a device's figures; a [`Camera`] built from it turns [`Radiance`], rendered on the grid that
//! [`Profile::pinhole`] asks for, into frames: [`ImageSensor`] (lens, photons, noise, conversion), then [`Isp`] (shading
//! correction, white balance, tone mapping, encoding, sharpening), with [`AutoExposure`] and white balance closing loops. What
//! a user sets is [`CameraSettings`], lamps on the mains are [`Flicker`], and [`MainStream`] has all the pixels of the chip.
//! [`Rtc`] is the calendar clock, [`Flash`] what outlasts the power.
//!
//! This crate does not know what is in front of the lens, who renders it, or what firmware makes of the frames.

mod camera;
mod decisions;
mod digital_input;
mod digital_output;
mod exposure;
mod flash;
mod isp;
mod led;
mod light;
mod main_stream;
mod metering;
mod noise;
mod power;
mod profile;
mod radiance;
mod regions;
mod rs485;
mod rtc;
mod sampling;
mod sensor;
mod sharpening;
mod tone_mapping;
mod white_balance;

pub use camera::Camera;
pub use digital_input::DigitalInput;
pub use digital_output::{Circuit, DigitalOutput, Overload};
pub use exposure::{AutoExposure, Exposure};
pub use flash::{Flash, PowerLost};
pub use isp::{Developed, Isp};
pub use led::Led;
pub use light::{Flicker, Light};
pub use main_stream::{BothStreams, MainStream};
pub use power::{PowerInput, PowerInputs, PowerSource, PowerSupply};
pub use profile::{
    ExposureControl, ImageStream, MountingDefault, Optics, Processing, Profile, SensorChip, WhiteBalanceControl,
    WideDynamicRange,
};
pub use radiance::{Pinhole, Radiance};
pub use rs485::{End, Rs485};
pub use rtc::Rtc;
pub use sensor::{ImageSensor, RawImage};
pub use white_balance::{Gains, NEUTRAL};
