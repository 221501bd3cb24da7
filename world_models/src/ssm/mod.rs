//! State-space models.

pub mod discretise;
mod eigen;
pub mod hippo;

pub mod lssl;
mod lti;
pub mod s4;
pub mod s4d;
pub mod s5;
pub mod spacetime;
