//! The parameters of a module as plain values in the order of the module, so that equal runs save equal bytes.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};

use super::rollout::{tensor, values};
use crate::AgentError;

/// One parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedParameter {
    /// Its path within the module.
    pub path: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements, row by row.
    pub values: Vec<f32>,
}

/// All parameters of `module`.
///
/// # Errors
/// [`AgentError::Failed`] if the device does not give them back.
pub(super) fn save(module: &impl Module) -> Result<Vec<SavedParameter>, AgentError> {
    #[derive(Default)]
    struct Save {
        path: Vec<String>,
        saved: Vec<SavedParameter>,
        failed: Option<AgentError>,
    }
    impl ModuleVisitor for Save {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let shape = value.dims().to_vec();
            match values(value) {
                Ok(values) => self.saved.push(SavedParameter {
                    path: self.path.join("."),
                    shape,
                    values,
                }),
                Err(error) => self.failed = Some(error),
            }
        }
    }
    let mut save = Save::default();
    module.visit(&mut save);
    save.failed.map_or(Ok(save.saved), Err)
}

/// `module` with the given parameters, which must be those of a module like it.
///
/// # Errors
/// [`AgentError::State`] for what does not fit; as [`save`].
pub(super) fn load<M: Module>(module: M, saved: Vec<SavedParameter>) -> Result<M, AgentError> {
    struct Load(std::vec::IntoIter<SavedParameter>);
    impl ModuleMapper for Load {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(saved) = self.0.next() else {
                return param;
            };
            param.map(|old| {
                tensor(saved.values, old.dims(), &old.device())
                    .set_require_grad(old.is_require_grad())
            })
        }
    }
    let misfit = |reason: String| AgentError::State {
        agent: "ppo".into(),
        reason,
    };
    let own = save(&module)?;
    let different = own.iter().zip(&saved).find(|(own, saved)| {
        (&own.path, &own.shape) != (&saved.path, &saved.shape)
            || saved.values.len() != own.values.len()
    });
    if let Some((own, saved)) = different {
        return Err(misfit(format!(
            "it has the parameter `{}` of shape {:?} where this agent has `{}` of shape {:?}",
            saved.path, saved.shape, own.path, own.shape
        )));
    }
    if own.len() != saved.len() {
        return Err(misfit(format!(
            "it has {} parameters, this agent {}",
            saved.len(),
            own.len()
        )));
    }
    Ok(module.map(&mut Load(saved.into_iter())))
}
