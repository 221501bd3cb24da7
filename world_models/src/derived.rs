//! What follows from parameters alone, worked out once for as long as they stay.

use std::sync::OnceLock;

use burn::{
    module::{
        Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    },
    tensor::Device,
};

/// A value that a module derives from its parameters.
///
/// It is kept only where gradients are not recorded, and forgotten by everything that Burn does to a module (an
/// optimiser's step, loading, moving, cloning): a field of this type never outlives the parameters it belongs to.
#[derive(Debug)]
pub(crate) struct Derived<T>(OnceLock<T>);

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T: Clone> Derived<T> {
    /// The value, which `make` works out if it is not known, or if parameters on `device` record gradients.
    pub(crate) fn get(&self, device: &Device, make: impl FnOnce() -> T) -> T {
        if device.is_autodiff() {
            return make();
        }
        self.0.get_or_init(make).clone()
    }
}

impl<T: Send + std::fmt::Debug> Module for Derived<T> {
    fn visit<V: ModuleVisitor>(&self, _: &mut V) {}

    fn map<M: ModuleMapper>(self, _: &mut M) -> Self {
        Self::default()
    }

    fn to_device(self, _: &Device) -> Self {
        Self::default()
    }

    fn fork(self, _: &Device) -> Self {
        Self::default()
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        devices
    }

    fn materialize(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        Self::default()
    }

    fn train(self) -> Self {
        Self::default()
    }
}

impl<T> ModuleDisplayDefault for Derived<T> {
    fn content(&self, content: Content) -> Option<Content> {
        Some(content)
    }
}

impl<T> ModuleDisplay for Derived<T> {}
