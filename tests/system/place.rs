//! Where the box stands: what a container and an emulated machine have in common.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::shell::Shell;

pub(crate) type Done<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A box that can be switched on and off.
pub(crate) trait Place {
    /// Its name in the log.
    fn name(&self) -> &'static str;

    /// The way in.
    fn shell(&self) -> Shell;

    /// Switches it on and waits until ssh answers.
    fn boot(&mut self) -> Done<'_>;

    /// Shuts it down in good order.
    fn shut_down(&mut self) -> Done<'_>;

    /// Takes its power away, from one instant to the next.
    fn cut_power(&mut self);

    /// Plugs the modem in.
    fn plug_in(&mut self) -> Done<'_>;

    /// From the next boot on its root is mounted read-only, or no longer; false where that can't be had.
    fn mount_root_read_only(&mut self, on: bool) -> bool;

    /// The modem's port in the box.
    fn port(&self) -> &'static str;

    /// The address of the gateway, the model and the CRM as the box sees it.
    fn outside(&self) -> &'static str;

    /// How many times slower than this machine it is.
    fn slowness(&self) -> u32;

    /// So long, on a box like this.
    fn seconds(&self, seconds: u32) -> Duration {
        Duration::from_secs(u64::from(seconds * self.slowness()))
    }
}
