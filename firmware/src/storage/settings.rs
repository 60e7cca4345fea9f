//! Settings on flash: one that is saved is there in full or not at all.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::Ipv4Addr;

use firmware_shim::{FLASH_BLOCK_BYTES, FlashOp};
use sequential_storage::Error;
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Part, SETTINGS_BLOCKS, SETTINGS_INTENTS, at_once};
use crate::account::Account;
use crate::configuration::{ConfigFile, Configuration};
use crate::schedule::ReportedSlots;
use crate::upgrade::BootRecord;

/// A place for a value of one type.
pub(crate) struct Slot<T> {
    key: u8,
    value: PhantomData<T>,
}

impl<T> Slot<T> {
    const fn new(key: u8) -> Self {
        Slot { key, value: PhantomData }
    }
}

/// The configuration, in the form in which it is exported.
pub(crate) const CONFIGURATION: Slot<ConfigFile> = Slot::new(0);

/// The account; nothing on a device that is not active.
pub(crate) const ACCOUNT: Slot<Option<Account>> = Slot::new(1);

/// Which program starts. The boot loader writes it, too.
pub(crate) const BOOT: Slot<BootRecord> = Slot::new(2);

/// The slots of the calendar of which each function has reported, for *On the Dot*: of region people counting, line crossing counting
/// and people flow analysis.
pub(crate) const REPORTED: Slot<[ReportedSlots; 3]> = Slot::new(3);

/// A reset that was begun and has to be ended; nothing otherwise. It stands here before anything is reset.
pub(crate) const RESET: Slot<Option<Reset>> = Slot::new(4);

/// A reset to the factory's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reset {
    /// The address that is kept.
    pub ip_address: Option<Ipv4Addr>,
    /// Whether the account stays.
    pub keep_users: bool,
}

/// The settings on flash.
pub(crate) struct Settings {
    map: MapStorage<u8, Part, Cache<Uncached, Uncached, Uncached, u8>>,
    /// A value on its way, and its key.
    buffer: Vec<u8>,
}

/// Something is stored that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// A value that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// As stored.
    pub bytes: usize,
}

/// The most that a value takes: it and what the library writes beside it go into one block.
pub(crate) const VALUE_BYTES_MAX: usize = FLASH_BLOCK_BYTES - 256;

impl Settings {
    /// The settings in a flash's image.
    pub fn open(image: &[u8]) -> Self {
        let part = Part::of(image, SETTINGS_BLOCKS, SETTINGS_INTENTS);
        let config = MapConfig::new(0..part.bytes.len() as u32);
        Settings { map: MapStorage::new(part, config, Cache::new_uncached()), buffer: vec![0; FLASH_BLOCK_BYTES] }
    }

    /// What is stored in a slot, if anything is.
    ///
    /// # Errors
    /// Something is that cannot be read.
    pub fn get<T: DeserializeOwned>(&mut self, slot: &Slot<T>) -> Result<Option<T>, Unreadable> {
        let Settings { map, buffer } = self;
        let text: Option<&[u8]> = at_once(map.fetch_item(buffer, &slot.key)).map_err(|_| Unreadable)?;
        text.map(|text| serde_json::from_slice(text).map_err(|_| Unreadable)).transpose()
    }

    /// Stores a value in place of the one before.
    ///
    /// # Errors
    /// It is larger than a block; the one before stays.
    pub fn set<T: Serialize>(&mut self, slot: &Slot<T>, value: &T) -> Result<(), TooLarge> {
        let text = serde_json::to_vec(value).expect("settings are plain data");
        let too_large = TooLarge { bytes: text.len() };
        if text.len() > VALUE_BYTES_MAX {
            return Err(too_large);
        }
        let Settings { map, buffer } = self;
        let text = text.as_slice();
        let mut stored = at_once(map.store_item(buffer, &slot.key, &text));
        if matches!(stored, Err(Error::Corrupted { .. })) {
            // Beyond repair, which no loss of power makes it: nothing of it can be read, so nothing is lost.
            stored = at_once(map.erase_all()).and_then(|()| at_once(map.store_item(buffer, &slot.key, &text)));
        }
        stored.map_err(|_: Error<Infallible>| too_large)
    }

    /// Ends a reset that was begun, if one was; whether it was.
    ///
    /// # Errors
    /// There is no room for the factory's settings, which does not happen.
    pub fn end_reset(&mut self) -> Result<bool, TooLarge> {
        let Ok(Some(Some(Reset { ip_address, keep_users }))) = self.get(&RESET) else { return Ok(false) };
        let mut configuration = Configuration::default();
        if let Some(ip_address) = ip_address {
            configuration.device.ip_address = ip_address;
        }
        self.set(&CONFIGURATION, &ConfigFile::new(configuration))?;
        if !keep_users {
            self.set(&ACCOUNT, &None)?;
        }
        self.set(&RESET, &None)?;
        Ok(true)
    }

    /// What has to be done to the chip.
    pub fn take_ops(&mut self) -> Vec<FlashOp> {
        self.map.flash().take_ops()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{blank_image, perform};
    use super::*;

    const NUMBER: Slot<u64> = Slot::new(7);
    const TEXT: Slot<String> = Slot::new(8);

    #[test]
    fn what_was_stored_last_is_there() {
        let mut image = blank_image();
        let mut settings = Settings::open(&image);
        assert_eq!((settings.get(&NUMBER), settings.get(&TEXT)), (Ok(None), Ok(None)));
        // Many times what there is room for.
        for i in 0..2000 {
            settings.set(&NUMBER, &i).expect("room");
            settings.set(&TEXT, &"x".repeat(i as usize)).expect("room");
        }
        perform(&mut image, &settings.take_ops());
        let mut again = Settings::open(&image);
        assert_eq!(again.get(&NUMBER), Ok(Some(1999)));
        assert_eq!(again.get(&TEXT).map(|text| text.map(|text| text.len())), Ok(Some(1999)));
    }

    #[test]
    fn what_is_too_large_leaves_what_was() {
        let mut image = blank_image();
        let mut settings = Settings::open(&image);
        settings.set(&TEXT, &"short".to_owned()).expect("room");
        // With its quotes.
        let bytes = VALUE_BYTES_MAX + 1;
        assert_eq!(settings.set(&TEXT, &"x".repeat(bytes - 2)), Err(TooLarge { bytes }));
        perform(&mut image, &settings.take_ops());
        let mut settings = Settings::open(&image);
        assert_eq!(settings.get(&TEXT), Ok(Some("short".to_owned())));
        let longest = "x".repeat(bytes - 3);
        for _ in 0..10 {
            settings.set(&TEXT, &longest).expect("room");
            settings.set(&NUMBER, &1).expect("room");
        }
        perform(&mut image, &settings.take_ops());
        assert_eq!(Settings::open(&image).get(&TEXT), Ok(Some(longest)));
    }

    #[test]
    fn what_is_no_settings_is_begun_anew() {
        let mut image = blank_image();
        image.iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 7 % 251) as u8);
        let mut settings = Settings::open(&image);
        assert!(settings.get(&NUMBER) != Ok(Some(3)));
        settings.set(&NUMBER, &3).expect("room");
        perform(&mut image, &settings.take_ops());
        assert_eq!(Settings::open(&image).get(&NUMBER), Ok(Some(3)));
    }
}
