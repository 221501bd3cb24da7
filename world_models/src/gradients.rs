//! Looking at gradients before an optimiser uses them.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

use crate::{CoreError, optimiser::square_sum};

/// Checks that every gradient and its norm is finite, before they are given to an optimiser: one that is not would make
/// the parameters so for good. Returns the norm of all gradients together.
///
/// # Errors
/// [`CoreError::Gradient`] with the path of the first parameter whose gradient or its norm is not finite; [`CoreError::Read`].
pub fn check_gradients(module: &impl Module, grads: &GradientsParams) -> Result<f64, CoreError> {
    let mut check = Check {
        grads,
        path: Vec::new(),
        square: 0.0,
        found: None,
    };
    module.visit(&mut check);
    check.found.map_or(Ok(check.square.sqrt()), Err)
}

struct Check<'a> {
    grads: &'a GradientsParams,
    path: Vec<String>,
    square: f64,
    found: Option<CoreError>,
}

impl ModuleVisitor for Check<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.found.is_some() {
            return;
        }
        let Some(grad) = self.grads.get::<D>(param.id) else {
            return;
        };
        // A norm that overflows would make every step one of length 0.
        match square_sum(grad).try_into_scalar::<f32>() {
            Ok(size) if size.is_finite() => self.square += f64::from(size),
            Ok(_) => {
                let parameter = self.path.join(".");
                self.found = Some(CoreError::Gradient { parameter });
            }
            Err(error) => {
                let reason = error.to_string();
                self.found = Some(CoreError::Read { reason });
            }
        }
    }
}
