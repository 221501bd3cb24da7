//! State-space models.

pub mod discretise;
mod eigen;
pub mod hippo;

pub mod lssl;
mod lti;
pub mod mamba;
pub mod mamba2;
pub mod s4;
pub mod s4d;
pub mod s5;
pub mod spacetime;
