//! From what functions report to delivery, by way of the camera where a picture goes with it.

use std::sync::Arc;

use firmware_shim::RgbImage;

use super::Firmware;
use crate::account::PrivacyMode;
use crate::command::Function;
use crate::delivery::Offer;
use crate::diagnostic::Diagnostic;
use crate::report::Report;
use crate::snapshot::Snapshot;

/// A report that has yet to be handed to delivery.
pub(super) struct Unsent {
    report: u64,
    document: Arc<str>,
    is_kept: bool,
    function: Function,
}

impl Firmware {
    pub(super) fn send(&mut self, report: &Report, function: Function) {
        self.reports_made += 1;
        let made =
            Diagnostic::ReportMade { report: self.reports_made, kind: report.kind, document: report.document.clone() };
        self.outbox.diagnostics.push(made);
        self.unsent.push(Unsent {
            report: self.reports_made,
            document: report.document.as_str().into(),
            is_kept: report.is_kept,
            function,
        });
    }

    /// Whether a report is to carry a snapshot. Pictures leave the device in the privacy mode *Normal* alone.
    fn wants_snapshot(&self, function: Function) -> bool {
        let mut urls = function.protocol(&self.configuration).urls().iter();
        let is_set = urls.any(|entry| entry.enable && entry.snapshot);
        is_set && self.privacy_mode() == Some(PrivacyMode::Normal)
    }

    /// Of which frame a picture is wanted for what this step reports. A device that starts anew does not wait for any.
    pub(super) fn wanted_picture(&self) -> Option<u64> {
        let is_wanted = !self.restarts && self.unsent.iter().any(|unsent| self.wants_snapshot(unsent.function));
        self.last_frame.filter(|_| is_wanted)
    }

    /// Hands what was made to delivery, with a picture where one is wanted.
    pub(super) fn dispatch(&mut self, picture: Option<&RgbImage>) {
        let mut snapshot = None;
        for Unsent { report, document, is_kept, function } in std::mem::take(&mut self.unsent) {
            let wanted = self.wants_snapshot(function);
            let snapshot = wanted.then(|| snapshot.get_or_insert_with(|| self.snapshot(picture)).as_ref());
            let snapshot = snapshot.transpose().unwrap_or_else(|why| {
                self.outbox.diagnostics.push(Diagnostic::SnapshotLeftOut { report, why: why.clone() });
                None
            });
            let offer = Offer { report, document: &document, is_kept, snapshot };
            self.delivery.offer(function.protocol(&self.configuration), &offer, &mut self.outbox);
        }
    }

    /// A picture as reports carry it, with its masks on; or why there is none.
    fn snapshot(&mut self, picture: Option<&RgbImage>) -> Result<Snapshot, String> {
        let picture = picture.ok_or("the camera has none")?;
        let color = self.configuration.privacy_mask.color.rgb();
        let masked = (!self.large_cover.is_empty()).then(|| self.large_cover.painted(picture, color));
        Snapshot::of(masked.as_ref().unwrap_or(picture)).map_err(|error| error.to_string())
    }
}
